"""One pool of a class for the whole process."""

from __future__ import annotations

import os
from typing import Any, Callable, TypeVar

from ..own_lock import OwnLock

P = TypeVar("P")

_pools: dict[tuple[int, Any], Any] = {}
_lock = OwnLock()


class ConcurrentPoolBuilder:
    """Makes pools that tasks share."""

    @staticmethod
    def get_pool(pool_type: Callable[..., P], max_workers: int | None = None) -> P:
        """The pool of that class in this process, made with `max_workers` when first asked for.

        Example::

            ConcurrentPoolBuilder.get_pool(FlexibleThreadPool, 500)
        """
        key = (os.getpid(), pool_type)
        with _lock():
            if key not in _pools:
                _pools[key] = pool_type(max_workers)
            return _pools[key]  # type: ignore[no-any-return]
