"""What is typed on a command line as data: never evaluated as code."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from typing import Any

from funboost_core.errors import ConfigError

DEEPEST = 50
"""Brackets within brackets; what has more is text, for parsers give up somewhere, each in its own way."""


def parse(text: str) -> Any:
    """`text` as JSON, else as a Python literal, else as itself.

    Example::

        parse("1"), parse('"1"'), parse("{'x': 3}"), parse("2024-01-01")  # 1, "1", {"x": 3}, "2024-01-01"
    """
    if _depth(text) > DEEPEST:
        return text
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        pass
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    return value if _is_data(value) else text


def call_arguments(words: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments from ``1 --y=2``, ``--x 1 --flag`` and the like; after ``--`` all are positional.

    A name without a value is True; ``-1`` is a number.
    """
    args: list[Any] = []
    named: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*args, *map(parse, rest)], named
        name, equals, value = word.lstrip("-").partition("=")
        if not _names(word):
            args.append(parse(word))
        elif equals:
            named[name.replace("-", "_")] = parse(value)
        elif rest and rest[0] != "--" and not _names(rest[0]):
            named[name.replace("-", "_")] = parse(rest.pop(0))
        else:
            named[name.replace("-", "_")] = True
    return args, named


def process_numbers(words: Sequence[str]) -> dict[str, int]:
    """Queue names and numbers from ``--queue1=2 --queue2=3``, or ``queue1=2``; the names as they are.

    Raises:
        ConfigError: one has no positive number.
    """
    numbers: dict[str, int] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and word.startswith("-") and rest:
            value = rest.pop(0)
        if not value.isdigit() or not int(value):
            raise ConfigError(f"{word!r} does not say how many processes; write --{name}=2.")
        numbers[name] = int(value)
    return numbers


def message(text: str) -> dict[str, Any]:
    """A message from JSON or the text of a Python dict.

    Raises:
        ConfigError: it is neither.
    """
    value = parse(text)
    if isinstance(value, dict):
        return value
    raise ConfigError(
        f"{text!r} is no dict. Write the outer quotes as your shell wants them, for example "
        "\"{'x': 3, 'y': 4}\", which works in all shells."
    )


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _names(word: str) -> bool:
    return word.startswith("-") and word.lstrip("-").partition("=")[0].replace("-", "_").isidentifier()


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _is_data(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_data, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_data(inner) for key, inner in value.items())
    return value is None or isinstance(value, (str, bool, int, float))
