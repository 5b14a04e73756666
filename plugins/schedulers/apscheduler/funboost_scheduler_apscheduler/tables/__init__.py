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
    "redis": "funboost_scheduler_apscheduler.tables.redis:RedisTable",
}
NEEDS = {"redis": "funboost-store-redis"}
"""What is to be installed for it besides this distribution."""
LATER = ("mongodb", "sqlalchemy")
"""Stores that are documented and still to come."""


def open_table(kind: str, environment: Environment) -> Table:
    """The table of jobs of that kind.

    Raises:
        ConfigError: there is no such kind, or what it needs is not installed.
    """
    name = kind.casefold()
    factory = TABLES.get(name)
    if factory is not None:
        try:
            make = resolve(factory)
        except ConfigError as error:
            needed, missing = NEEDS.get(name, ""), getattr(error.__cause__, "name", None) or ""
            if not needed or missing.partition(".")[0] != needed.replace("-", "_"):
                raise
            raise ConfigError(f"The job store {kind!r} needs {needed}: pip install {needed}.") from error
        return make(environment)  # type: ignore[no-any-return]
    there = ", ".join(map(repr, TABLES))
    if name in LATER:
        raise ConfigError(
            f"The job store {kind!r} is not there yet. Use one of: {there}; 'sqlite' is shared by the processes of one "
            "host, 'redis' by all hosts."
        )
    raise ConfigError(f"There is no job store {kind!r}. Use one of: {there}.")
