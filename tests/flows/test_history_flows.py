"""History, record functions, context and health in every pool over every embedded broker; and faults in each of them."""

from __future__ import annotations

import contextvars
import logging
import threading
from typing import Any

import pytest
from funboost_testing.faults import Faults, raises

from funboost_core import HistoryParams, TaskIdFormatter, fct, get_current_taskid, hookimpl


def keeping(**params: Any) -> HistoryParams:
    return HistoryParams(is_save_status=True, is_save_result=True, **params)


def half(x: Any) -> float:
    """Fails for 13."""
    if x == 13:
        raise ValueError("unlucky")
    return float(x) / 2


@pytest.mark.parametrize("bulk", [False, True])
def test_every_run_is_kept_and_found(story: Any, bulk: bool) -> None:
    task = story.task(half, history=keeping(is_use_bulk_insert=bulk), max_retry_times=1)
    results = [task.push(x) for x in (4, 13, 8)]
    task.consume()
    history = story.environment.state.history
    story.until(lambda: len(history.search(queue="story", running=False)) == 3)
    assert sorted(found["result"] for found in history.search(success=True)) == [2.0, 4.0]
    (failed,) = history.search(success=False)
    assert (failed["task_id"], failed["run_times"], failed["exception"]) == (
        results[1].task_id,
        2,
        "ValueError    unlucky",
    )
    assert failed["params_str"] == '{"x": 13}'
    assert failed["time_start"] <= failed["time_end"]
    assert [found["params"] for found in history.search(text='"x": 8')] == [{"x": 8}]
    assert [found["_id"] for found in history.search(text="UNLUCKY")] == [results[1].task_id]


def test_without_bulk_it_is_there_before_the_message_is_acknowledged(story: Any) -> None:
    class Plugin:
        @hookimpl
        def funboost_before_ack(self, delivery: Any) -> None:
            story.note(story.environment.state.history.get(delivery.task_id)["result"])

    task = story.task(half, history=keeping(), hooks=[Plugin()])
    for x in (2, 4, 6):
        task.push(x)
    task.consume()
    assert sorted(story.wait_for(3)) == [1.0, 2.0, 3.0]


def test_the_rest_is_written_at_the_end(story: Any) -> None:
    task = story.task(lambda x: story.note(x), history=keeping(is_use_bulk_insert=True))
    results = [task.push(x) for x in range(20)]
    task.consume()
    story.wait_for(20)
    assert story.environment.worker.stop(30)
    assert all(story.environment.state.history.get(result.task_id) for result in results)


def test_a_store_that_fails_costs_no_message_and_no_record(story: Any) -> None:
    task = story.task(half, history=keeping())
    with Faults(story.environment) as faults:
        faults.at("history.save", raises(OSError("disk full")), times=3)
        faults.at("history.save", raises(OSError("after the write")), after=True, nth=5)
        results = [task.push(x) for x in range(10)]
        task.consume()
        story.until(lambda: len(story.environment.state.history.search(queue="story")) == 10)
        assert faults.met.count("history.save") >= 3
    assert task.get_message_count() == 0
    assert {found["_id"] for found in story.environment.state.history.search()} == {r.task_id for r in results}


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_record_function_is_told_of_each_and_its_errors_are_its_own(story: Any, kind: str, caplog: Any) -> None:
    def plain(status: Any) -> None:
        story.note((status.params["x"], status.success, status.result))
        raise RuntimeError("of the recorder")

    async def coroutine(status: Any) -> None:
        plain(status)

    record = plain if kind == "plain" else coroutine
    task = story.task(half, user_custom_record_process_info_func=record, max_retry_times=0)
    for x in (2, 13):
        task.push(x)
    task.consume()
    assert sorted(story.wait_for(2)) == [(2, True, 1.0), (13, False, "FUNC_RUN_ERROR")]
    story.until(lambda: task.get_message_count() == 0)
    story.until(lambda: caplog.text.count("of the recorder") >= 2)


def test_the_task_is_known_in_the_whole_chain_of_calls(story: Any) -> None:
    def deep() -> Any:
        return fct.task_id, fct.queue_name, fct.function_params, get_current_taskid()

    def task(x: Any) -> None:
        seen: list[Any] = []
        thread = threading.Thread(target=fct.bind(lambda: seen.append(get_current_taskid())))
        thread.start()
        thread.join()
        story.note((*deep(), seen[0], contextvars.Context().run(get_current_taskid)))

    made = story.task(task)
    results = [made.push(x) for x in range(10)]
    made.consume()
    expected = [
        (result.task_id, "story", {"x": x}, result.task_id, result.task_id, "no_task_id")
        for x, result in enumerate(results)
    ]
    assert sorted(story.wait_for(10), key=lambda seen: seen[2]["x"]) == expected


def test_every_line_that_is_logged_in_a_task_has_its_id(story: Any) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(TaskIdFormatter("%(task_id)s %(message)s"))
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    mine = logging.getLogger("history_flows.mine")
    mine.addHandler(handler)

    def task(x: Any) -> None:
        mine.warning("mine %s", x)
        story.note(x)

    made = story.task(task)
    made.task.logger.addHandler(handler)
    results = [made.push(x) for x in range(5)]
    made.consume()
    story.wait_for(5)
    made.task.logger.removeHandler(handler)
    mine.removeHandler(handler)
    assert sorted(lines) == sorted(f"{result.task_id} mine {x}" for x, result in enumerate(results))


def test_health_is_green_and_red_with_the_broker(story: Any) -> None:
    task = story.task(half)
    task.consume()
    worker = story.environment.worker
    story.until(lambda: worker.health()["story"].status == "consuming")
    with Faults(story.environment) as faults:
        faults.at("turn", raises(OSError("cut")), times=10_000)
        story.until(lambda: worker.health()["story"].status == "away")
        assert "cut" in worker.health()["story"].detail
        assert not worker.health()["story"].ok
    story.until(lambda: worker.health()["story"].status == "consuming", 40)
    task.pause_consume()
    assert worker.health()["story"].status == "paused"
