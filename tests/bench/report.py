"""Medians of the rounds as a Markdown table."""

from __future__ import annotations

import statistics
from typing import Any

from cases import CASES

Measurement = dict[str, Any]
_SHOWN = {"value", "unit", "cpu_us", "messages"}


def table(measurements: list[Measurement]) -> str:
    """One row a case and peer, in the order of the cases; the limit first."""
    lines = ["| case | who | median (min–max) | x | CPU µs | | aim |", "|---|---|---:|---:|---:|---|---|"]
    for case in CASES.values():
        mine = [one for one in measurements if one["case"] == case.name]
        for who in dict.fromkeys(one["who"] for one in mine):
            lines.append(_row(case.name, who, [one for one in mine if one["who"] == who], case.aim))
    return "\n".join(lines)


def _row(case: str, who: str, rounds: list[Measurement], aim: str) -> str:
    figures = [one["figure"] for one in rounds]
    values, unit = [figure["value"] for figure in figures], figures[0]["unit"]
    spread = f"{_number(statistics.median(values))} {unit} ({_number(min(values))}–{_number(max(values))})"
    ratios = [figure["value"] / one["limit"] for figure, one in zip(figures, rounds)]
    ratio = f"{statistics.median(ratios):.2f}" if who != "limit" else ""
    cpu = f"{_median(figures, 'cpu_us'):.1f}" if "cpu_us" in figures[0] else ""
    more = ", ".join(f"{name} {_median(figures, name):.4g}" for name in figures[0] if name not in _SHOWN)
    return f"| {case} | {who} | {spread} | {ratio} | {cpu} | {more} | {aim if who == 'ours' else ''} |"


def _median(figures: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(figure[name] for figure in figures))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
