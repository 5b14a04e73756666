"""No concurrency: the caller does the work."""

from __future__ import annotations

from typing import Any, Callable

from .base_pool_type import FunboostBaseConcurrentPool


class SoloExecutor(FunboostBaseConcurrentPool):
    """Runs each call at once, in the thread that submits it.

    Args:
        max_workers: 1, whatever is given.
    """

    def __init__(self, max_workers: int = 1) -> None:
        self.max_workers = 1

    def submit(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """``func(*args, **kwargs)``."""
        return func(*args, **kwargs)
