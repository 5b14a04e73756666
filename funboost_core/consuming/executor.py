"""`specify_concurrent_pool`: an executor of the user's, shared by any number of queues."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from ..errors import ConfigError
from ..native import Lock
from ..ports.pool import PoolContext, TaskPool
from .execution import GIVEN_BACK
from .permits import Permits

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from ..ports.pool import Finished, Runner

_shared: weakref.WeakKeyDictionary[Any, Permits] = weakref.WeakKeyDictionary()
_lock = Lock()


class ExecutorPool(TaskPool):
    """Any object with ``submit(function, *args)`` as a pool; it stays the user's, who closes it.

    Its size is its `max_workers` (or `_max_workers`, as in the standard library), else `concurrent_num`.

    Raises:
        ConfigError: it has no `submit`, or cannot be shared.
    """

    on_threads: ClassVar[bool] = True

    def __init__(self, context: PoolContext, executor: Any) -> None:
        if not callable(getattr(executor, "submit", None)):
            raise ConfigError(
                f"specify_concurrent_pool={executor!r} has no submit(function, *args). Give an executor, for example "
                "concurrent.futures.ThreadPoolExecutor(300)."
            )
        super().__init__(context)
        self._executor = executor
        self.limit: int = int(
            getattr(executor, "max_workers", 0) or getattr(executor, "_max_workers", 0) or context.limit
        )

    def permits(self) -> Permits:
        """The permits of this executor, the same for all queues that share it."""
        with _lock:
            try:
                return _shared.setdefault(self._executor, Permits(self.limit))
            except TypeError as error:
                raise ConfigError(
                    f"specify_concurrent_pool={self._executor!r} cannot be shared between queues: {error}. "
                    "Its class must be hashable and allow weak references."
                ) from error

    def submit(self, deliveries: Sequence[Delivery], run: Runner, finished: Finished) -> None:
        """One call of the executor's `submit` for each message."""
        for number, delivery in enumerate(deliveries):
            try:
                self._executor.submit(_work, delivery, run, finished)
            except Exception:
                if not number:
                    raise
                for left in deliveries[number:]:  # the others run; the next call tells why these do not
                    finished(left, GIVEN_BACK)
                return

    def close(self) -> None:
        """The executor is the user's: it stays open."""


def _work(delivery: Delivery, run: Callable[[Delivery], Any], finished: Finished) -> None:
    finished(delivery, run(delivery))
