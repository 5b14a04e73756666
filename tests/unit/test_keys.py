"""Which calls count as the same."""

from __future__ import annotations

import pytest

from funboost_core.errors import ConfigError
from funboost_core.policies.keys import key_of, text_of_key


def call(user, size=3, *, unit="km"):
    pass


def test_all_arguments_in_any_order_and_with_their_defaults(program):
    key = key_of(None, program.task(call), "unique_key")
    assert key({"user": 1, "size": 3}) == key({"unit": "km", "user": 1})
    assert key({"user": 1}) != key({"user": "1"})
    assert key({"user": 1}) != key({"user": 1, "size": 4})


def test_one_argument_or_several(program):
    task = program.task(call)
    assert key_of("user", task, "rate_key")({"user": "ann", "size": 9}) == '"ann"'
    assert key_of("size", task, "rate_key")({"user": "ann"}) == "3"
    assert key_of(("user", "unit"), task, "rate_key")({"user": "ann"}) == '["ann","km"]'


def test_a_function_of_the_arguments(program):
    key = key_of(lambda user, **others: user[0], program.task(call), "rate_key")
    assert key({"user": "ann"}) == key({"user": "alice", "size": 2}) == '"a"'


@pytest.mark.parametrize("key", ["usr", ("user", "usr")])
def test_a_name_that_is_no_argument_is_refused(program, key):
    with pytest.raises(ConfigError, match=r"rate_key=.*'usr'.*it takes: size, unit, user"):
        key_of(key, program.task(call), "rate_key")


def test_any_name_will_do_where_the_function_takes_any(program):
    assert key_of("usr", program.task(lambda **named: None), "rate_key")({"usr": 1}) == "1"


def test_long_keys_are_short_and_differ():
    first, second = text_of_key("x" * 1000), text_of_key("x" * 999 + "y")
    assert len(first) < 100 and first != second
    assert first == text_of_key("x" * 1000)


def test_what_json_cannot_carry_still_has_a_key():
    assert text_of_key({"when": frozenset({1})}) == '{"when":"frozenset({1})"}'
