"""What the suites have proven: for each kind of each room, topic by topic."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from .topics import DECLARED, INAPPLICABLE, TOPICS

_ABOUT = "funboost_about"
_SIGNS = {
    "proven": "✓",
    "failed": "✗",
    "incomplete": "…",
    "untested": "?",
    "not declared": "–",
}
_LEGEND = {
    "proven": "all tests passed",
    "failed": "a test failed",
    "incomplete": "a test was skipped or left out",
    "untested": "declared; there is no test of its own",
    "not declared": "not declared, and found not to be there as far as tests can tell",
}


def about(item: Any, room: str) -> None:
    """Note on a suite's test its room, its kind and its topics."""
    kind = getattr(item.cls, "kind", "") or item.cls.__name__.removeprefix("Test")
    item.user_properties.append((_ABOUT, [room, kind, list(_topics(item))]))


def _topics(item: Any) -> tuple[str, ...]:
    parameter = item.callspec.params.get("capability") if hasattr(item, "callspec") else None
    if parameter is not None:
        return (parameter.name,)
    topics = getattr(item.function, TOPICS, ())
    if not topics:
        owner = next(base for base in item.cls.__mro__ if item.originalname in vars(base))
        topics = getattr(owner, TOPICS, ("contract",))
    return tuple(topics)


class Report:
    """Collects from the reports of tests; a plugin of the test run."""

    def __init__(self) -> None:
        self._tests: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        self._declared: dict[tuple[str, str, str], bool] = {}

    def pytest_deselected(self, items: list[Any]) -> None:
        """What is left out proves nothing."""
        for item in items:
            if isinstance(getattr(item.cls, "funboost_room", None), str) and _ABOUT not in dict(item.user_properties):
                about(item, item.cls.funboost_room)
            self._add(dict(item.user_properties), "incomplete")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of a test."""
        properties: dict[str, Any] = dict(report.user_properties)
        if report.outcome == "skipped" and INAPPLICABLE in properties:
            self._add({**properties, _ABOUT: [*properties[_ABOUT][:2], properties[INAPPLICABLE]]}, "not declared")
        elif report.outcome == "skipped":
            self._add(properties, "incomplete")
        elif report.outcome == "failed":
            self._add(properties, "failed")
        elif report.when == "call":
            self._add(properties, "passed")

    def _add(self, properties: dict[str, Any], what: str) -> None:
        if _ABOUT not in properties:
            return
        room, kind, topics = properties[_ABOUT]
        for topic in topics:
            self._tests[room, kind, topic][what] += 1
        for topic, declared in properties.get(DECLARED, {}).items():
            self._declared[room, kind, topic] = declared

    def table(self) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
        """``table[room][kind][topic]`` = ``{"state": …, "passed": n, "failed": n}``, sorted."""
        table: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
        for room, kind, topic in sorted({*self._tests, *self._declared}):
            counts, declared = self._tests[room, kind, topic], self._declared.get((room, kind, topic))
            cell = {"state": _state(counts, declared), "passed": counts["passed"], "failed": counts["failed"]}
            table.setdefault(room, {}).setdefault(kind, {})[topic] = cell
        return table

    def write(self, path: str) -> None:
        """Write the table to `path`, whose folder is made when missing."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        table = self.table()
        text = json.dumps(table, indent=2, ensure_ascii=False) if file.suffix == ".json" else _markdown(table)
        file.write_text(text + "\n", encoding="utf-8")


def _state(counts: Counter[str], declared: bool | None) -> str:
    if counts["failed"]:
        return "failed"
    if declared is False:
        return "not declared"
    if counts["incomplete"]:
        return "incomplete"
    return "proven" if counts["passed"] else "untested"


def _markdown(table: dict[str, dict[str, dict[str, dict[str, Any]]]]) -> str:
    lines = ["# Proven by the conformance suites", ""]
    for room, kinds in table.items():
        topics = sorted({topic for cells in kinds.values() for topic in cells})
        lines += [f"## {room}", "", f"| | {' | '.join(kinds)} |", f"|---|{'|'.join([':-:'] * len(kinds))}|"]
        for topic in topics:
            cells = [_SIGNS[kinds[kind][topic]["state"]] if topic in kinds[kind] else "" for kind in kinds]
            lines.append(f"| {topic} | {' | '.join(cells)} |")
        lines.append("")
    lines += [f"{_SIGNS[state]} {meaning}  " for state, meaning in _LEGEND.items()]
    return "\n".join(lines)
