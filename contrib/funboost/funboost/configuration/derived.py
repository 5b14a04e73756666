"""Settings that follow from others: where the project is, and that the state is in Redis where Redis is configured.

* PROJECT_ROOT: the folder of `funboost_config.py`, or where it is about to be written.
* STATE_URL: the Redis server, where one is said: by REDIS_URL, or by one of REDIS_HOST, REDIS_PORT, REDIS_USERNAME,
  REDIS_PASSWORD, REDIS_SSL as an argument or environment variable, or in the file with another value than the documented
  default (files that list all constants with their defaults say nothing).
* RESULTS_URL and FILTER_URL: then the same server with the database REDIS_DB_FILTER_AND_RPC_RESULT, unless REDIS_URL has
  already said which database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Callable

from funboost_core.settings import PREFIX, Settings

from .. import config_file
from . import project, urls

_REDIS = ("REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_SSL")


def _root(settings: Settings) -> str | None:
    root = project.data_root(settings)
    return str(root) if root else None


def _state(settings: Settings) -> str | None:
    return "redis://" if _has_redis(settings) else None


def _second_database(settings: Settings) -> str | None:
    if _said(settings, "STATE_URL") or settings("REDIS_URL") or not _has_redis(settings):
        return None
    return urls.redis(settings, "REDIS_DB_FILTER_AND_RPC_RESULT")


MAKERS: Mapping[str, Callable[[Settings], str | None]] = {
    "FILTER_URL": _second_database,
    "PROJECT_ROOT": _root,
    "RESULTS_URL": _second_database,
    "STATE_URL": _state,
}
"""Name -> what makes its value; None where it does not follow from others."""


def _has_redis(settings: Settings) -> bool:
    return bool(settings("REDIS_URL")) or any(
        _overridden(settings, name) or config_file.differs(name) for name in _REDIS
    )


def _said(settings: Settings, name: str) -> bool:
    return _overridden(settings, name) or name in config_file.values()


def _overridden(settings: Settings, name: str) -> bool:
    return name in settings.values or PREFIX + name in os.environ
