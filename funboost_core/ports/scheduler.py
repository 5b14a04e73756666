"""Periodic jobs: publishing a task at set times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Callable


class Scheduler(ABC):
    """Fires `publish(args, kwargs, fire_id)` at the times of its jobs; any number of them may run for one queue."""

    @abstractmethod
    def add(self, job_id: str, trigger: Mapping[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Add or replace a job."""

    @abstractmethod
    def remove(self, job_id: str) -> None:
        """Remove a job; unknown ids are ignored."""

    @abstractmethod
    def start(self, publish: Callable[[Sequence[Any], Mapping[str, Any], str], None]) -> None:
        """Begin to fire."""

    @abstractmethod
    def stop(self) -> None:
        """Stop firing; jobs in a persistent store stay."""
