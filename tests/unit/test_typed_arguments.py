"""typed: what an annotation says is JSON on the way and the annotated type again in the function."""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import typing
import uuid
from typing import Any, Optional, Union

import pydantic
import pytest
from support.inline import work_off

from funboost_core import SignatureError
from funboost_core.payloads.typed import typed_parameters


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: int
    when: datetime.datetime


class Order(pydantic.BaseModel):
    number: int
    points: list[Point] = []
    note: str = pydantic.Field(default="", alias="remark")


class Special(Order):
    more: int = 1


class Lossy(pydantic.BaseModel):
    kept: int
    left_out: int = pydantic.Field(default=0, exclude=True)


class Size(typing.NamedTuple):
    width: int
    height: int


class Thing:
    """Nothing that pydantic knows."""

    def __eq__(self, other):
        return type(other) is Thing

    __hash__ = None


NOON = datetime.datetime(2030, 1, 2, 12, 30, 15, 5)
UTC = datetime.timezone.utc
ORDER = Order(number=1, points=[Point(2, NOON)], remark="é")

CASES = [
    (Order, ORDER, {"number": 1, "points": [{"x": 2, "when": "2030-01-02T12:30:15.000005"}], "remark": "é"}),
    (Point, Point(1, NOON), {"x": 1, "when": "2030-01-02T12:30:15.000005"}),
    (datetime.datetime, NOON.replace(tzinfo=UTC), "2030-01-02T12:30:15.000005Z"),
    (datetime.date, NOON.date(), "2030-01-02"),
    (datetime.timedelta, datetime.timedelta(hours=1), "PT1H"),
    (uuid.UUID, uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (decimal.Decimal, decimal.Decimal("0.10"), "0.10"),
    (Colour, Colour.RED, "red"),
    (Level, Level.HIGH, 3),
    (set[int], {1}, [1]),
    (frozenset, frozenset("a"), ["a"]),
    (bytes, b"\xff\x00", base64.urlsafe_b64encode(b"\xff\x00").decode()),
    (tuple[int, str], (1, "a"), [1, "a"]),
    (Size, Size(1, 2), [1, 2]),
    (pathlib.PurePosixPath, pathlib.PurePosixPath("/a"), "/a"),
    (dict[int, str], {1: "a"}, {"1": "a"}),
    (Optional[Order], None, None),
    (list[Order], [ORDER], [{"number": 1, "points": [{"x": 2, "when": "2030-01-02T12:30:15.000005"}], "remark": "é"}]),
    (Union[int, uuid.UUID], uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (typing.Annotated[decimal.Decimal, "price"], decimal.Decimal(1), "1"),
]
IDS = [f"{getattr(annotation, '__name__', annotation)}" for annotation, _, _ in CASES]


def taking(annotation, default=None):
    """A function whose parameter x has this annotation, and the list of what it is called with."""
    seen = []

    def function(x, y=0):
        seen.append(x)

    function.__annotations__ = {"x": annotation, "y": int}
    if default is not None:
        function.__defaults__ = (default, 0)
    return function, seen


def sent(program):
    return [json.loads(body) for body in program.server.bodies("q")]


@pytest.mark.parametrize(("annotation", "value", "form"), CASES, ids=IDS)
def test_there_and_back(program, annotation, value, form):
    function, seen = taking(annotation)
    booster = program.booster(function)
    booster.push(value)
    booster.push_many([{"x": value}])
    booster.publish({"x": form})  # as a program in another language would
    assert [message["x"] for message in sent(program)] == [form] * 3
    assert all(len(message["extra"]) == 3 for message in sent(program))
    work_off(booster.task)
    assert seen == [value] * 3
    assert {type(one) for one in seen} == {type(value)}


@pytest.mark.parametrize(("annotation", "value", "form"), CASES, ids=IDS)
def test_where_objects_are_passed(program, annotation, value, form):
    function, seen = taking(annotation)
    booster = program.booster(function, broker_kind="OBJECTS")
    booster.push(value)
    booster.publish({"x": form})
    work_off(booster.task)
    assert seen == [value] * 2
    assert {type(one) for one in seen} == {type(value)}


PLAIN = [
    int, str, Optional[int], Any, object, list, dict, list[int], dict[str, Any], Union[int, str, None], "int",
    typing.Literal["a", 1], typing.Sequence[str], typing.Mapping[str, list[int]], typing.NewType("Id", int),
    typing.TypeVar("T"), typing.Annotated[int, "positive"], "Missing", "no ( type", Thing, Optional[Thing], 7, ["x"],
    typing.Iterable,
]  # fmt: skip


@pytest.mark.parametrize("annotation", PLAIN, ids=lambda hint: getattr(hint, "__name__", str(hint)))  # no address
def test_what_json_carries_is_left_alone(program, annotation):
    function, _ = taking(annotation)
    assert typed_parameters(function) == ()
    line = program.line(function)
    assert line.planner.plain.call is function  # nothing between the plan and the function


def test_text_annotations_and_a_default_of_none():
    def function(a: datetime.datetime, b: uuid.UUID = None, *args: uuid.UUID, **more: uuid.UUID):  # noqa: RUF013
        pass

    assert function.__annotations__["a"] == "datetime.datetime"

    assert [typed.name for typed in typed_parameters(function)] == ["a", "b"]
    assert typed_parameters(function)[1].restore(None) is None


def test_annotations_are_looked_at_when_they_are_needed(program, monkeypatch):
    looked = []
    monkeypatch.setattr("funboost_core.payloads.typed.typed_parameters", lambda function: looked.append(function) or ())
    booster = program.booster()
    assert looked == []
    booster.push(1)
    booster.push(1)
    assert len(looked) == 1


@pytest.mark.parametrize(
    ("annotation", "value", "problem"),
    [
        (datetime.datetime, "tomorrow", "x='tomorrow' does not fit its annotation: Input should be a valid datetime"),
        (Order, {"number": "x"}, "number: Input should be a valid integer"),
        (Order, 7, "x=7 does not fit"),
        (Colour, "blue", "'red'"),
        (uuid.UUID, None, "UUID"),
    ],
)
def test_json_that_does_not_fit_is_refused_at_both_ends(program, annotation, value, problem):
    function, seen = taking(annotation)
    booster = program.booster(function)
    with pytest.raises(SignatureError, match=problem):
        booster.push(value)
    assert sent(program) == []
    unchecked = program.booster(function, should_check_publish_func_params=False, max_retry_times=5)
    unchecked.push(value)
    work_off(unchecked.task)
    assert seen == []
    (letter,) = program.server.bodies("q_dlx")
    dead = json.loads(letter)["extra"]["dead_letter"]
    assert "the argument 'x' does not fit its annotation" in dead["reason"]
    assert dead["attempts"] == 1  # it is not tried again
    assert json.loads(letter)["x"] == value


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Order, Special(number=1, more=5)),  # as an Order it would lose a field
        (Lossy, Lossy(kept=1, left_out=2)),
        (Union[str, datetime.date], NOON.date()),  # would come back as text
        (set[int], collections.Counter("a")),
        (datetime.datetime, Thing()),
    ],
    ids=["subclass", "excluded", "ambiguous", "another", "unknown"],
)
def test_what_would_come_back_different_is_pickled(program, annotation, value):
    function, seen = taking(annotation)
    booster = program.booster(function)
    booster.push(value)
    (message,) = sent(program)
    assert message["extra"]["can_not_json_serializable_keys"] == ["x"]
    work_off(booster.task)
    assert seen == [value]
    assert type(seen[0]) is type(value)


def test_each_run_gets_the_argument_anew(program):
    runs = []

    def function(x: set[int]):
        runs.append(sorted(x))
        x.add(len(runs) + 10)
        raise ValueError

    function.__annotations__ = {"x": set[int]}
    booster = program.booster(function, max_retry_times=2)
    booster.push({1})
    work_off(booster.task)
    assert runs == [[1]] * 3


def test_hooks_and_results_see_what_travels(program):
    from funboost_core import fct, hookimpl

    seen = []

    class Hooks:
        @hookimpl
        def funboost_before_publish(self, message):
            seen.append(("given", message.arguments["x"]))

        @hookimpl
        def funboost_after_publish(self, message):
            seen.append(("sent", message.arguments["x"]))

        @hookimpl
        def funboost_before_execute(self, delivery):
            seen.append(("came", delivery.arguments["x"]))

    def function(x: datetime.date):
        seen.append(("fct", fct.function_params["x"], fct.full_msg["x"]))
        return x

    function.__annotations__ = {"x": datetime.date}
    booster = program.booster(function, hooks=[Hooks()])
    booster.push(NOON.date())
    work_off(booster.task)
    text = "2030-01-02"
    assert seen == [("given", NOON.date()), ("sent", text), ("came", text), ("fct", text, text)]


def test_a_decorator_of_the_users_sees_the_argument(program):
    seen = []

    def decorator(function):
        def wrapper(**arguments):
            seen.append(arguments)
            return function(**arguments)

        return wrapper

    function, _ = taking(datetime.date)
    booster = program.booster(function, consuming_function_decorator=decorator)
    booster.push(NOON.date())
    work_off(booster.task)
    assert seen == [{"x": NOON.date()}]


def test_coroutine_functions(program):
    seen = []

    async def function(x):
        seen.append(x)

    function.__annotations__ = {"x": datetime.date}
    booster = program.booster(function)
    booster.push(NOON.date())
    work_off(booster.task)
    assert seen == [NOON.date()]
