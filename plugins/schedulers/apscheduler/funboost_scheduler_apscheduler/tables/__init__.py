"""Where jobs are kept.  A further kind of store is a subclass of `Table` and a line in `TABLES`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.errors import ConfigError
from funboost_core.records import resolve

if TYPE_CHECKING:
    from funboost_core.environment import Environment

    from .base import Table

TABLES = {
    "memory": "funboost_scheduler_apscheduler.tables.sqlite:MemoryTable",
    "sqlite": "funboost_scheduler_apscheduler.tables.sqlite:SqliteTable",
}
LATER = {name: f"funboost-store-{name}" for name in ("mongodb", "redis", "sqlalchemy")}
"""Stores that are documented and still to come, and the distribution that they will need."""


def open_table(kind: str, environment: Environment) -> Table:
    """The table of jobs of that kind.

    Raises:
        ConfigError: there is no such kind.
    """
    name = kind.casefold()
    factory = TABLES.get(name)
    if factory is not None:
        return resolve(factory)(environment)  # type: ignore[no-any-return]
    there = ", ".join(map(repr, TABLES))
    if name in LATER:
        raise ConfigError(
            f"The job store {kind!r} is not there: it needs {LATER[name]} (pip install {LATER[name]}) and a "
            f"funboost-scheduler-apscheduler that knows it, which this version does not. Use one of: {there}; 'sqlite' "
            "is shared by the processes of one host."
        )
    raise ConfigError(f"There is no job store {kind!r}. Use one of: {there}.")
