"""The schedulers of a program: one for each queue and job store, made when first asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .errors import StateMissing
from .native import RLock
from .ports.scheduler import Scheduler, SchedulerContext
from .publishing.fires import Fires
from .records import resolve

if TYPE_CHECKING:
    from .booster import Booster
    from .environment import Environment

logger: logging.Logger = logging.getLogger("funboost.scheduler")


class Schedulers:
    """Opens schedulers and stops them when the program ends.

    Example::

        scheduler = environment.schedulers.open("cron", add, "file")
        scheduler.add(Schedule("nightly", {"kind": "cron", "hour": 3}, kwargs={"x": 1, "y": 2}), replace=True)
        scheduler.start()
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._open: dict[tuple[str, str, str], Scheduler] = {}
        self._lock = RLock()

    def open(self, kind: str, booster: Booster[Any, Any, Any], store: str) -> Scheduler:
        """The scheduler of that kind for a queue, with its jobs in `store` (a name that the scheduler knows).

        Raises:
            UnknownKind: it is not installed.
            StateMissing: no state store is configured, in which consumers can tell that a fire has run.
            ConfigError: the scheduler does not know the store.
        """
        environment, task = self._environment, booster.task
        key = (kind.casefold(), task.queue, store.casefold())
        with self._lock:
            found = self._open.get(key)
            if found is None:
                if not environment.state.has("filter"):
                    raise StateMissing(feature=f"A schedule of queue {task.queue_name!r}", setting="STATE_URL")
                spec = environment.catalog.find("schedulers", kind)
                context = SchedulerContext(spec.kind, task.queue, store, environment, Fires(booster), logger)
                found = self._open[key] = resolve(spec.factory)(context)
            return found

    def close(self) -> None:
        """Stop all of them."""
        with self._lock:
            found, self._open = list(self._open.values()), {}
        for scheduler in found:
            scheduler.stop()
