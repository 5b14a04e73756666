"""status: what is told about a run, as an object, a dict and JSON."""

from __future__ import annotations

import json
import os

import pytest
from support.program import message

from funboost_core import Ack, FunctionResultStatus, Outcome
from funboost_core.ports.store import SEARCHED, Record
from funboost_core.status import dump


@pytest.fixture
def delivery(program):
    return program.line().fetched(message({"x": 1, "y": "é"}, task_id="t"))


def finished(delivery, result=None, error=None, runs=1):
    return FunctionResultStatus.finished(delivery, Outcome(result, error, 10.0, 12.5, runs), Ack())


def test_a_success(delivery):
    status = finished(delivery, result={"a": 1})
    assert (status.queue_name, status.task_id, status.function) == ("q", "t", "add")
    assert (status.success, status.run_status, status.run_times) == (True, "finish", 1)
    assert (status.result, status.exception) == ({"a": 1}, None)
    assert (status.time_start, status.time_end, status.time_cost) == (10.0, 12.5, 2.5)
    assert status.params == {"x": 1, "y": "é"}
    assert json.loads(status.params_str) == status.params
    assert status.msg_dict["extra"]["task_id"] == "t"
    assert status.process_id == os.getpid()


def test_one_can_be_made_for_the_tests_of_record_functions(delivery):
    made = FunctionResultStatus("q", "add", {"x": 1, "y": "é", "extra": {"task_id": "t", "publish_time": 5.0}})
    status = finished(delivery)
    assert vars(made).keys() == vars(status).keys()
    same = ("queue_name", "function", "task_id", "params", "params_str", "host_process", "script_name")
    assert [getattr(made, name) for name in same] == [getattr(status, name) for name in same]
    assert (made.publish_time, made.run_times, made.run_status, made.result) == (5.0, 0, None, None)
    assert FunctionResultStatus("q", "add", {"x": 1}).task_id is None
    assert FunctionResultStatus(vars(made)).get_status_dict().keys() == made.get_status_dict().keys()


def test_a_failure(delivery):
    status = finished(delivery, error=ValueError("no good"), runs=4)
    assert (status.success, status.result, status.run_times) == (False, "FUNC_RUN_ERROR", 4)
    assert status.exception == "ValueError    no good"
    assert (status.exception_type, status.exception_msg) == ("ValueError", "no good")


def test_a_run_under_way(delivery):
    status = FunctionResultStatus.running(delivery)
    assert (status.run_status, status.success, status.result, status.time_end) == ("running", False, None, None)


def test_the_dict_has_an_id_and_times_and_can_be_only_json(delivery):
    full = finished(delivery).get_status_dict()
    assert full["_id"] == "t"
    assert full["insert_time"]
    plain = finished(delivery).get_status_dict(without_datetime_obj=True)
    assert json.loads(json.dumps(plain)) == plain
    assert json.loads(finished(delivery).to_pretty_json_str())["task_id"] == "t"


def test_what_it_does_not_have_is_named(delivery):
    with pytest.raises(AttributeError, match=r"no 'colour'; it has .*task_id"):
        finished(delivery).colour
    assert "task_id='t'" in repr(finished(delivery))
    again = FunctionResultStatus.parse_status_and_result_to_obj({"task_id": 5})
    assert again.task_id == 5


class Thing:
    def __str__(self):
        return "thing" * 1000

    def __repr__(self):
        return "Thing()"


@pytest.mark.parametrize("result", [{1, 2}, Thing(), {(1, 2): 3}, b"\xff", "\ud800", [float("inf")]], ids=ascii)
def test_any_result_travels_as_far_as_json_carries_it(delivery, result):
    sent = json.loads(dump(finished(delivery, result=result)))
    assert sent["success"] is True
    assert sent["params"] == {"x": 1, "y": "é"}
    try:
        assert sent["result"] == result
    except AssertionError:
        assert sent["result"] == str(result)[:1000]


def test_an_argument_that_json_cannot_carry_does_not_change_the_result(program):
    line = program.line(broker_kind="OBJECTS")
    sent = json.loads(dump(finished(line.fetched({"x": Thing()}), result=5)))
    assert sent["result"] == 5
    assert sent["params"].startswith("{'x': ")


def test_an_error_that_cannot_be_shown(delivery):
    class Mean(Exception):
        def __str__(self):
            raise RuntimeError

    status = finished(delivery, error=Mean())
    assert status.exception_msg == "<a Mean that cannot be shown>"
    assert json.loads(dump(status))["success"] is False


# -- what the history keeps of it ----------------------------------------------------------------------------------------


def test_the_record_has_what_is_searched_and_all_of_it(delivery):
    status = finished(delivery, error=ValueError("No GOOD")).get_status_dict(without_datetime_obj=True)
    record = Record.of(status)
    assert record[:4] == ("t", "q", False, 10.0)
    assert record.searched == '{"x": 1, "y": "é"}\nvalueerror    no good'
    assert json.loads(record.payload) == status
    assert Record.of({**status, "run_status": "running"}).success is None


def test_only_so_much_of_it_is_searched():
    record = Record.of({"_id": 5, "params_str": "a" * 10_000, "exception": "b" * 10_000})
    assert record.id == "5"
    assert record.searched == "a" * SEARCHED + "\n" + "b" * SEARCHED
    assert len(json.loads(record.payload)["params_str"]) == 10_000


class Mean:
    def __str__(self):
        raise RuntimeError


def itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ({1}, [1]),
        (Thing(), "thing" * 200),
        (Mean(), "<a Mean that cannot be shown>"),
        (b"\xff", "b'\\xff'"),
        ("\ud800", "?"),
        ([b"\xff"], "[b'\\xff']"),
        (itself(), "[[...]]"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_carry_is_kept_as_text_and_the_rest_as_it_is(result, kept):
    record = json.loads(Record.of({"_id": "t", "result": result, "params": {"x": [1]}}).payload)
    assert record == {"_id": "t", "result": kept, "params": {"x": [1]}}
