"""What the pools of this package have in common."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, Callable

from typing_extensions import Self

logger: logging.Logger = logging.getLogger("funboost.pool")


class FunboostBaseConcurrentPool(ABC):
    """An object for `specify_concurrent_pool`; any executor of the standard library will do as well."""

    @abstractmethod
    def submit(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call ``func(*args, **kwargs)`` as soon as there is room."""

    def __deepcopy__(self, memo: Any) -> Self:
        """Itself: parameters that are copied go on sharing the pool."""
        return self
