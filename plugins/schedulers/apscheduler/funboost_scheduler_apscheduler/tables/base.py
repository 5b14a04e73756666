"""What a job store keeps: rows that schedulers claim, publish and move on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One job.  All times are epoch seconds.

    `planned` is the time that the trigger named, from which the fire's id is made; `due` is when it is published, later
    by the jitter; `ready` is `due`, or the end of somebody's claim.  None = paused.  `version` changes with every
    write, so that nobody overwrites what he has not read.
    """

    queue: str
    id: str
    body: bytes
    planned: float | None
    due: float | None
    ready: float | None
    version: int = 0


class Table(ABC):
    """Jobs of all queues.  Every method is one atomic step for all processes, and may be called from any thread."""

    @abstractmethod
    def insert(self, row: Row) -> bool:
        """Add a job; False where its queue has one of this id."""

    @abstractmethod
    def get(self, queue: str, id: str) -> Row | None:
        """One job."""

    @abstractmethod
    def all(self, queue: str) -> list[Row]:
        """All jobs of a queue by `due`, paused ones last."""

    @abstractmethod
    def swap(self, changes: Sequence[tuple[Row, Row | None]]) -> list[bool]:
        """Put each second row in the place of the first, None removes it; False where its version is another now."""

    @abstractmethod
    def delete(self, queue: str, id: str) -> bool:
        """Remove a job; whether there was one."""

    @abstractmethod
    def clear(self, queue: str) -> None:
        """Remove all jobs of a queue."""

    @abstractmethod
    def claim(self, queue: str, now: float, lease: float, limit: int) -> list[Row]:
        """Up to `limit` jobs that are ready, earliest first, now withheld from others for `lease` seconds."""

    @abstractmethod
    def next_ready(self, queue: str) -> float | None:
        """When the next job can be claimed; None when none waits."""

    @abstractmethod
    def close(self) -> None:
        """Release connections; the next call opens them again."""
