"""What is typed: values are data, never code; other spellings of options; several commands in a row."""

from __future__ import annotations

import json

import pytest
from funboost.cli import argv, values

from funboost_core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ('"1"', "1"),
        ("true", True),
        ("True", True),
        ("null", None),
        ("None", None),
        ('{"x": [1, null]}', {"x": [1, None]}),
        ("{'x': (1, 2)}", {"x": (1, 2)}),
        ("[1, 2]", [1, 2]),
        ("hello", "hello"),
        ("", ""),
        ("007", "007"),
        ("2024-10-11", "2024-10-11"),
        ("NaN", "NaN"),
        ("1+2j", "1+2j"),
        ("b'x'", "b'x'"),
        ("{1, 2}", "{1, 2}"),
        ("{1: 2}", "{1: 2}"),
        ("a b", "a b"),
        ("中文", "中文"),
        ("__import__('os').getpid()", "__import__('os').getpid()"),
        ("[x for x in (1,)]", "[x for x in (1,)]"),
        ("(" * 500, "(" * 500),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
        ("[1, " * 49 + "1" + "]" * 49, json.loads("[1, " * 49 + "1" + "]" * 49)),
    ],
)
def test_a_value_is_json_else_a_literal_else_text(text, value):
    found = values.parse(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("line", "args", "named"),
    [
        ("1 2", [1, 2], {}),
        ("1 --y=2", [1], {"y": 2}),
        ("--x=1 --y=2", [], {"x": 1, "y": 2}),
        ("--x 1 -y 2", [], {"x": 1, "y": 2}),
        ("--flag --x=", [], {"flag": True, "x": ""}),
        ("--flag", [], {"flag": True}),
        ("-1 -x=-2", [-1], {"x": -2}),
        ("--x -1", [], {"x": -1}),
        ("--dry-run --a-b=1", [], {"dry_run": True, "a_b": 1}),
        ("-- --y=2 -", ["--y=2", "-"], {}),
        ("--url=http://a/?b=c", [], {"url": "http://a/?b=c"}),
        ("", [], {}),
    ],
)
def test_arguments_of_a_call(line, args, named):
    assert values.call_arguments(line.split()) == (args, named)


def test_numbers_of_processes():
    assert values.process_numbers(["--a=2", "--b-c", "3", "d=1"]) == {"a": 2, "b-c": 3, "d": 1}
    for wrong in (["--a"], ["--a=0"], ["--a=x"], ["--a=-1"]):
        with pytest.raises(ConfigError, match="how many processes; write --a=2"):
            values.process_numbers(wrong)


def test_a_message_is_a_dict():
    assert values.message("{'x':3,'y':4}") == values.message('{"x":3,"y":4}') == {"x": 3, "y": 4}
    for wrong in ("{x:3,y:4}", "[1]", "hello"):  # the first is what cmd.exe makes of single quotes
        with pytest.raises(ConfigError, match="works in all shells"):
            values.message(wrong)


COMMANDS = ["show_all_queues", "clear", "push", "publish", "consume", "m_consume_all"]


@pytest.mark.parametrize(
    ("line", "options", "chain"),
    [
        ("--max_depth=2 show_all_queues", ["--max_depth=2"], [["show_all_queues"]]),
        ("--boost_dirs_str a,b push q 1", ["--booster_dirs_str", "a,b"], [["push", "q", "1"]]),
        ("-booster_dirs_str=a clear q", ["--booster_dirs_str=a"], [["clear", "q"]]),
        ("--booster-dirs-str=a-b clear q", ["--booster_dirs_str=a-b"], [["clear", "q"]]),
        ("push q --booster-dirs-str=a", [], [["push", "q", "--booster-dirs-str=a"]]),
        ("clear a b - push a 1 - consume a", [], [["clear", "a", "b"], ["push", "a", "1"], ["consume", "a"]]),
        ("show_all_queues clear a", [], [["show_all_queues"], ["clear", "a"]]),
        ("show_all_queues --json clear a", [], [["show_all_queues", "--json"], ["clear", "a"]]),
        ("publish q {} push q 1", [], [["publish", "q", "{}"], ["push", "q", "1"]]),
        ("clear push", [], [["clear", "push"]]),  # a queue may be called like a command
        ("m_consume_all 2 clear a", [], [["m_consume_all", "2"], ["clear", "a"]]),
        ("", [], []),
        ("-", [], []),
    ],
)
def test_options_come_first_and_commands_may_follow_each_other(line, options, chain):
    assert argv.split(line.split(), COMMANDS) == (options, chain)
