"""Cron expressions of five fields: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime

_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAYS = {name: n for n, name in enumerate("sun mon tue wed thu fri sat".split())}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of the months, from 1


class Cron:
    """One expression, for example ``*/15 8-18 * * mon-fri``.

    Fields are ``*``, numbers, names (``jan``, ``mon``), ranges ``a-b``, lists ``a,b`` and steps ``*/n``, ``a-b/n`` and
    ``a/n`` (from a to the end).  Sunday is 0 and 7.  As everywhere: where both days are restricted, either will do.

    Raises:
        ValueError: it is none, or it never comes; names the field.

    Example::

        Cron("0-29 9 * * mon-fri").matches(datetime.datetime(2024, 1, 5, 9, 29))  # a Friday: True
    """

    def __init__(self, expression: str) -> None:
        texts = expression.split()
        if len(texts) != len(_FIELDS):
            raise ValueError(
                f"{expression!r} has {len(texts)} fields, not 5: minute, hour, day of the month, month, day of the week"
            )
        parsed = [_parse(text, *field) for text, field in zip(texts, _FIELDS)]
        self._minutes, self._hours, self._days, self._months, weekdays = parsed
        self._weekdays = {day % 7 for day in weekdays}
        self._any_day, self._any_weekday = texts[2].startswith("*"), texts[4].startswith("*")
        if self._any_weekday and min(self._days) > max(_LONGEST[month] for month in self._months):
            raise ValueError(f"{expression!r} never comes: there is no such day of the month")

    def matches(self, moment: datetime.datetime) -> bool:
        """Whether the minute of `moment` is one of those."""
        day, weekday = moment.day in self._days, moment.isoweekday() % 7 in self._weekdays
        return (
            moment.minute in self._minutes
            and moment.hour in self._hours
            and moment.month in self._months
            and (day and weekday if self._any_day or self._any_weekday else day or weekday)
        )


def _parse(text: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """The values that one field stands for."""
    values: set[int] = set()
    for part in text.lower().split(","):
        bounds, slash, step = part.partition("/")
        first, dash, last = bounds.partition("-")
        begin, end = (low, high) if bounds == "*" else (_number(first, names), _number(last if dash else first, names))
        if slash and not dash:
            end = high
        by = _number(step, {}) if slash else 1
        if name == "day of the week" and begin > end == 0:  # fri-sun
            end = 7
        if not (low <= begin <= end <= high and by > 0):
            allowed = f"{low}-{high}" + (f" or {next(iter(names))} ... {list(names)[-1]}" if names else "")
            raise ValueError(f"{part!r} is no {name} ({allowed}, ranges from low to high, steps from 1)")
        values.update(range(begin, end + 1, by))
    return values


def _number(text: str, names: dict[str, int]) -> int:
    """A number or a name; -1, which is in no range, for anything else."""
    return names[text] if text in names else int(text) if text.isascii() and text.isdigit() else -1
