"""The tasks of a program by queue name."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any, Callable

from .errors import QueueUnknown
from .native import RLock

if TYPE_CHECKING:
    from .booster import Booster


class Registry:
    """Boosters by queue name; the last one decorated for a queue is the one found."""

    def __init__(self) -> None:
        self._boosters: dict[str, Booster[Any, Any, Any]] = {}
        self._elsewhere: dict[Hashable, Booster[Any, Any, Any]] = {}
        self._lock = RLock()

    def add(self, booster: Booster[Any, Any, Any]) -> None:
        """Register a booster under its queue name."""
        with self._lock:
            self._boosters[booster.queue_name] = booster

    def get_or_make(self, queue_name: str, make: Callable[[], Booster[Any, Any, Any]]) -> Booster[Any, Any, Any]:
        """The booster of a queue; where there is none `make` is called, by one thread at a time."""
        return self._boosters.get(queue_name) or self._made(self._boosters, queue_name, make)

    def elsewhere(self, key: Hashable, make: Callable[[], Booster[Any, Any, Any]]) -> Booster[Any, Any, Any]:
        """A booster that only publishes, to tasks of another program: by any key, made once, closed with the others."""
        return self._elsewhere.get(key) or self._made(self._elsewhere, key, make)

    def _made(self, boosters: dict[Any, Any], key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in boosters:
                boosters[key] = make()
            return boosters[key]

    def __getitem__(self, queue_name: str) -> Booster[Any, Any, Any]:
        """The booster of a queue.  Raises `QueueUnknown`."""
        try:
            return self._boosters[queue_name]
        except KeyError:
            raise QueueUnknown(queue=queue_name, known=", ".join(sorted(self._boosters)) or "none") from None

    def __contains__(self, queue_name: object) -> bool:
        return queue_name in self._boosters

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._boosters))

    def forget_connections(self) -> None:
        """In a forked child: the parent's connections are not ours."""
        self._lock = RLock()
        for booster in (*self._boosters.values(), *self._elsewhere.values()):
            booster.forget_connections()

    def close(self) -> None:
        """Close what the boosters publish through."""
        for booster in (*self._boosters.values(), *self._elsewhere.values()):
            booster.close()
