"""signature: arguments by name, and errors that say what is wrong."""

from __future__ import annotations

import asyncio
import functools

import pytest

from funboost_core.errors import ConfigError, SignatureError
from funboost_core.signature import Signature, awaiting, by_name, is_coroutine


def plain(x, y=0):
    return x, y


def positional_only(a, b=2, /, c=3, *, d=4):
    return a, b, c, d


def keyword_only(x, *, flag):
    return x, flag


def with_kwargs(x, **more):
    return x, more


def nothing():
    return ()


GOOD = [
    (plain, (1,), {}, {"x": 1}),
    (plain, (1, 2), {}, {"x": 1, "y": 2}),
    (plain, (), {"x": 1}, {"x": 1}),
    (plain, (1,), {"y": 2}, {"x": 1, "y": 2}),
    (plain, (), {"y": 2, "x": 1}, {"x": 1, "y": 2}),
    (positional_only, (1,), {}, {"a": 1}),
    (positional_only, (1, 9), {"c": 8, "d": 7}, {"a": 1, "b": 9, "c": 8, "d": 7}),
    (keyword_only, (1,), {"flag": False}, {"x": 1, "flag": False}),
    (with_kwargs, (1,), {"y": 2, "z": 3}, {"x": 1, "y": 2, "z": 3}),
    (nothing, (), {}, {}),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "arguments"), GOOD)
def test_a_call_becomes_arguments_by_name_and_gives_what_the_call_gives(function, args, kwargs, arguments):
    signature = Signature(function)
    bound = signature.bind(args, dict(kwargs))
    assert bound == arguments
    signature.check(bound)
    assert by_name(function, signature)(**bound) == function(*args, **kwargs)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "texts"),
    [
        (plain, (), {}, ["missing: x", "it takes: x, y"]),
        (plain, (), {"y": 1}, ["missing: x"]),
        (plain, (1,), {"z": 1}, ["unknown: z", "it takes: x, y"]),
        (plain, (), {"z": 1}, ["missing: x", "unknown: z"]),
        (plain, (1,), {"x": 2}, ["given twice: x"]),
        (plain, (1, 2, 3), {}, ["it takes 2 positional arguments, 3 were given"]),
        (keyword_only, (1, 2), {}, ["it takes 1 positional arguments, 2 were given"]),
        (keyword_only, (1,), {}, ["missing: flag"]),
        (with_kwargs, (), {"y": 1}, ["missing: x"]),
        (with_kwargs, (1,), {"extra": {}}, ["used by messages themselves: extra"]),
        (with_kwargs, (1,), {"publish_time": 1}, ["used by messages themselves: publish_time"]),
        (nothing, (1,), {}, ["it takes 0 positional arguments, 1 were given"]),
        (nothing, (), {"x": 1}, ["unknown: x", "it takes: nothing"]),
    ],
)
def test_errors_name_the_function_and_what_is_wrong(function, args, kwargs, texts):
    with pytest.raises(SignatureError) as caught:
        Signature(function).bind(args, kwargs)
    for text in [function.__qualname__, *texts]:
        assert text in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_checking_can_be_switched_off_but_not_binding():
    signature = Signature(plain)
    assert signature.bind((), {"z": 1}, check=False) == {"z": 1}
    with pytest.raises(SignatureError):
        signature.bind((1, 2, 3), {}, check=False)


def test_star_args_are_refused_where_the_task_is_declared():
    def f(x, *rest): ...

    with pytest.raises(ConfigError, match=r"f takes \*args; a message carries arguments by name. Name the parameters"):
        Signature(f)


@pytest.mark.parametrize("name", ["extra", "publish_time", "publish_time_format"])
def test_names_that_messages_use_are_refused_where_the_task_is_declared(name):
    function = eval(f"lambda x, {name}=None: x")
    with pytest.raises(ConfigError, match=f"parameter '{name}'"):
        Signature(function)
    Signature(eval(f"lambda **{name}: 1"))


def test_decorated_functions_and_methods_show_their_own_arguments():
    @functools.wraps(plain)
    def decorated(*args, **kwargs):
        return plain(*args, **kwargs)

    assert Signature(decorated).accepted == {"x", "y"}

    class Thing:
        def method(self, x): ...

    assert Signature(Thing().method).accepted == {"x"}
    assert Signature(functools.partial(plain, 1)).accepted == {"x", "y"} - {"x"}


def test_functions_without_positional_only_are_called_directly():
    assert by_name(plain, Signature(plain)) is plain


def test_by_name_leaves_out_positional_only_defaults():
    signature = Signature(positional_only)
    assert by_name(positional_only, signature)(a=1, d=9) == (1, 2, 3, 9)
    assert by_name(positional_only, signature)(a=1, b=5) == (1, 5, 3, 4)


def test_coroutine_functions_are_known_also_behind_a_plain_decorator():
    async def task(x):
        return x

    @functools.wraps(task)
    def decorated(*args, **kwargs):
        return task(*args, **kwargs)

    assert is_coroutine(task)
    assert is_coroutine(decorated)
    assert not is_coroutine(plain)
    assert awaiting(task) is task
    assert asyncio.run(awaiting(decorated)(x=5)) == 5
    assert asyncio.run(awaiting(plain)(x=5)) == (5, 0)
