"""What commands print: tables for people, JSON for programs; no secret in either."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from funboost_core.environment import default
from funboost_core.settings import hide

Row = Mapping[str, Any]


def wants_json() -> bool:
    """Whether ``--json`` was given, before or after the command."""
    return any(bool((context.params or {}).get("as_json")) for context in _contexts())


def _contexts() -> list[click.Context]:
    found, context = [], click.get_current_context(silent=True)
    while context is not None:
        found.append(context)
        context = context.parent
    return found


def show(data: Any, text: str = "") -> None:
    """Print `data` as JSON where it is asked for, else `text`."""
    if wants_json():
        click.echo(without_secrets(json.dumps(data, ensure_ascii=False, default=str)))
    elif text:
        click.echo(without_secrets(text))


def rows(data: Sequence[Row], empty: str = "nothing") -> None:
    """Print a list of equal dicts as JSON or as a table."""
    show(data, table(data) if data else empty)


def table(data: Sequence[Row]) -> str:
    """Columns under their names; the last is as wide as it likes."""
    head = list(data[0])
    lines = [head, *([cell(row[name]) for name in head] for row in data)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines)


def cell(value: Any) -> str:
    """A value as text in one line."""
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value).replace("\n", " ")


def without_secrets(text: str) -> str:
    """`text` with every value of a secret setting, and passwords in URLs, replaced; a last safety net."""
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return str(hide("", text))


def _secrets() -> set[str]:
    from urllib.parse import quote

    try:
        settings = default().settings
        names = list(settings.effective())
    except Exception:  # the configuration itself is what is wrong
        return set()
    found: set[str] = set()
    for name in names:
        value = settings(name)
        if hide(name, "x") == "***":
            values = value.values() if isinstance(value, Mapping) else [value]
            found.update(str(each) for each in values if isinstance(each, str) and len(each) > 3)
    return found | {quote(secret, "") for secret in found}
