"""errors: the docstring of a class is its message."""

from __future__ import annotations

import inspect
import json
import pickle
import string

import pytest

from funboost_core import errors

CLASSES = [  # TaskFailed makes its text from a status
    cls
    for cls in vars(errors).values()
    if inspect.isclass(cls) and issubclass(cls, errors.FunboostError) and cls is not errors.TaskFailed
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_docstring_filled_in_with_the_details_is_the_message(cls):
    names = [name for _, name, _, _ in string.Formatter().parse(inspect.cleandoc(cls.__doc__)) if name]
    details = {name: f"<{name}>" for name in names}
    error = cls(**details)
    assert error.details == details
    assert "\n" not in str(error)
    assert "{" not in str(error)
    for value in details.values():
        assert value in str(error)
    assert str(error).startswith(inspect.cleandoc(cls.__doc__)[:8].split("{")[0])


def test_a_text_of_ones_own_is_taken_as_it_is():
    error = errors.RetryTask("later, {please}", wait=3)
    assert str(error) == "later, {please}"
    assert error.details == {"wait": 3}


def test_a_subclass_brings_its_own_docstring():
    class TooHot(errors.RetryTask):
        """The oven is at {degrees}."""

    assert str(TooHot(degrees=300)) == "The oven is at 300."


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (errors.ConfigError, ValueError),
        (errors.UnknownKind, LookupError),
        (errors.SignatureError, TypeError),
        (errors.NotSerializable, TypeError),
        (errors.BadMessage, ValueError),
        (errors.BrokerUnavailable, ConnectionError),
        (errors.ResultTimeout, TimeoutError),
    ],
)
def test_errors_are_also_what_python_programs_catch(cls, bases):
    assert issubclass(cls, (errors.FunboostError, bases))
    assert issubclass(cls, bases)


STATUS = {"task_id": "b", "exception": "ValueError    no", "exception_type": "ValueError", "exception_msg": "no"}


def test_a_failed_task_says_which_and_why_as_json():
    chain = errors.TaskFailed.chain(STATUS)
    error = errors.TaskFailed(chain)
    assert json.loads(str(error)) == {"task_id": "b", "raw_error": "ValueError    no"}
    assert (error.task_id, error.raw_error) == ("b", "ValueError    no")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (errors.TaskFailed, str(error))


def test_a_chain_of_failed_tasks_shows_where_it_broke():
    inner = str(errors.TaskFailed(errors.TaskFailed.chain(STATUS)))
    outer = {"task_id": "a", "exception": f"TaskFailed    {inner}", "exception_msg": inner}
    assert errors.TaskFailed.chain(outer)["raw_error"] == {"task_id": "b", "raw_error": "ValueError    no"}


@pytest.mark.parametrize("text", ["", None, "{}", "[1]", '{"task_id": 1}', "no json"])
def test_only_a_chain_is_taken_for_one(text):
    status = {"task_id": "a", "exception": "E    text", "exception_msg": text}
    assert errors.TaskFailed.chain(status) == {"task_id": "a", "raw_error": "E    text"}


def test_the_text_of_an_error_that_cannot_be_shown():
    class Mean(Exception):
        def __str__(self):
            raise RuntimeError

    assert errors.text_of(Mean()) == "<a Mean that cannot be shown>"
    assert errors.text_of(ValueError("x")) == "x"


def test_task_control_is_told_apart_from_failures():
    assert {cls for cls in CLASSES if issubclass(cls, errors.TaskControl)} == {
        errors.TaskControl,
        errors.RetryTask,
        errors.RequeueTask,
        errors.DeadLetterTask,
    }
