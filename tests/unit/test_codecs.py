"""codecs: what plugins do to arguments on their way is undone at the other end, or the message is a dead letter."""

from __future__ import annotations

import datetime
import json

import pytest
from support.inline import work_off
from support.program import message

from funboost_core import Codec, ConfigError, hookimpl


class Wrapping(Codec):
    """Puts each value into a list with its own name."""

    def __init__(self, name, **attributes):
        self.name = name
        vars(self).update(attributes)

    def encode(self, task, arguments, extra):
        if extra.get("bare"):
            return None
        return {key: [self.name, value] for key, value in arguments.items()}

    def decode(self, task, arguments, extra):
        assert all(value[0] == self.name for value in arguments.values())
        return {key: value[1] for key, value in arguments.items()}

    @hookimpl
    def funboost_codec(self, task):
        return self if task.queue_name != "other" else None


class Failing(Wrapping):
    def encode(self, task, arguments, extra):
        raise OSError("no key")


def booster_of(program, seen, *codecs, **params):
    def function(x, y=0):
        seen.append((x, y))

    return program.booster(function, hooks=list(codecs), **params)


def sent(program, queue="q"):
    return [json.loads(body) for body in program.server.bodies(queue)]


def test_they_are_undone_in_the_other_order(program):
    seen = []
    booster = booster_of(program, seen, Wrapping("first"), Wrapping("second"))
    booster.push(1, y=2)
    booster.push_many([{"x": 3}])
    (body, _) = sent(program)
    assert body["x"] == ["second", ["first", 1]]
    assert body["extra"]["codecs"] == ["first", "second"]
    work_off(booster.task)
    assert seen == [(1, 2), (3, 0)]


def test_the_message_says_which_and_a_consumer_may_have_others(program):
    seen = []
    booster_of(program, seen, Wrapping("first"), Wrapping("second")).push(1)
    work_off(booster_of(program, seen, Wrapping("second"), Wrapping("third"), Wrapping("first")).task)
    assert seen == [(1, 0)]


def test_plain_messages_and_those_it_left_alone_run_too(program):
    seen = []
    booster = booster_of(program, seen, Wrapping("one"))
    booster.publish({"x": 1, "extra": {"bare": True}})
    booster.send_msg('{"x": 2}')
    assert "codecs" not in sent(program)[0]["extra"]
    work_off(booster.task)
    assert seen == [(1, 0), (2, 0)]


def test_after_annotations_and_pickles(program):
    seen = []

    def function(x, y=0):
        seen.append((x, y))

    function.__annotations__ = {"x": datetime.date}
    booster = program.booster(function, hooks=[Wrapping("one")])
    booster.push(datetime.date(2030, 1, 2), y={1})
    (body,) = sent(program)
    assert body["x"] == ["one", "2030-01-02"]
    assert body["y"][1].startswith("b'")
    work_off(booster.task)
    assert seen == [(datetime.date(2030, 1, 2), {1})]


def test_a_task_without_codecs_has_no_trace_of_them(program):
    line = program.line(hooks=[Wrapping("one")], queue_name="other")
    assert line.task.codecs == ()
    assert line.planner.plain.call is line.task.function


def test_where_objects_are_passed_they_are_not_used(program):
    seen = []
    booster = booster_of(program, seen, Wrapping("one", required=True), broker_kind="OBJECTS")
    booster.push(1)
    work_off(booster.task)
    assert seen == [(1, 0)]


def test_one_that_fails_lets_nothing_out(program):
    with pytest.raises(OSError, match="no key"):
        booster_of(program, [], Failing("one")).push(1)
    assert sent(program) == []


@pytest.mark.parametrize(
    ("codecs", "extra", "reason"),
    [
        ([], {"codecs": ["one"]}, "encoded with 'one', which is not here"),
        ([Wrapping("one")], {"codecs": ["two"]}, "encoded with 'two'"),
        ([Wrapping("one")], {"codecs": "one"}, "codecs is no list"),
        ([Wrapping("one")], {"codecs": None}, "codecs is no list"),
        ([Wrapping("one")], {"codecs": [["one"]]}, "which is not here"),
        ([Wrapping("two"), Wrapping("one")], {"codecs": ["one", "two", "one"]}, "encoded with 'one'"),
        ([Wrapping("one", required=True)], {}, "published without 'one', which its consumer requires"),
        ([Wrapping("one", required=True)], {"codecs": []}, "published without 'one'"),
        ([Wrapping("one", required=True)], {"codecs": ["one", "one"]}, "published without 'one'"),
    ],
)
def test_what_was_not_encoded_as_it_says_is_a_dead_letter(program, codecs, extra, reason):
    seen = []
    program.server.put("q", message({"x": ["one", ["two", 1]]}, **extra))
    work_off(booster_of(program, seen, *codecs).task)
    assert seen == []
    (letter,) = sent(program, "q_dlx")
    assert reason in letter["extra"]["dead_letter"]["reason"]


def test_hooks_and_dead_letters_see_what_travels(program):
    seen = []

    class Hooks:
        @hookimpl
        def funboost_after_publish(self, message):
            seen.append(message.arguments)

        @hookimpl
        def funboost_before_execute(self, delivery):
            seen.append(delivery.arguments)

    def function(x):
        raise ValueError

    booster = program.booster(
        function, hooks=[Wrapping("one"), Hooks()], max_retry_times=0, is_push_to_dlx_queue_when_retry_max_times=True
    )
    booster.push(1)
    work_off(booster.task)
    assert seen == [{"x": ["one", 1]}] * 2
    assert sent(program, "q_dlx")[0]["x"] == ["one", 1]


@pytest.mark.parametrize(
    "params", [{"unique": "while_queued"}, {"rate_key": "x", "key_qps": 1}, {"throttle_seconds": 3}]
)
def test_one_that_hides_and_controls_that_compare_exclude_each_other(program, params):
    booster = booster_of(program, [], Wrapping("one", hides=True), **params)
    with pytest.raises(ConfigError, match=f"{next(iter(params))} of queue 'q' compares arguments, and 'one' hides"):
        booster.push(1)
    booster_of(program, [], Wrapping("one"), **params)
