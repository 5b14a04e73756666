"""What this distribution adds to an environment: the documented defaults and the other spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import aliases

if TYPE_CHECKING:
    from funboost_core.environment import Environment

DEFAULTS = {
    "BROKER_KIND": "SQLITE_QUEUE",
    "CONCURRENT_MODE": "threading",
    "STATE_URL": "sqlite://",
    "TIMEZONE": "Asia/Shanghai",
}
"""What holds where neither arguments nor environment variables (``FUNBOOST_…``) nor configuration say otherwise."""


def apply(environment: Environment) -> None:
    """Give `environment` the defaults and spellings of the documentation; reads and opens nothing."""
    environment.settings.defaults.update(DEFAULTS)
    environment.aliases["brokers"].update(aliases.BROKERS)
    environment.aliases["pools"].update(aliases.POOLS)
    environment.aliases["extra"].update(aliases.EXTRA)
