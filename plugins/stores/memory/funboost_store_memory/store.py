"""All parts of the state in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.ports.store import StateStore

from .coordinator import MemoryCoordinator
from .filter import MemoryFilter
from .history import MemoryHistory
from .parking import MemoryParking
from .replies import MemoryReplies

if TYPE_CHECKING:
    from funboost_core.environment import Environment


class MemoryState(StateStore):
    """State that lives as long as this object; `url` is ``memory://`` and carries nothing."""

    cross_process = False
    cross_host = False

    def __init__(self, url: str, environment: Environment) -> None:
        clock = environment.clock
        self._replies = self.replies = MemoryReplies(clock)
        self.history = MemoryHistory(clock)
        self.filter = MemoryFilter(clock)
        self.parking = MemoryParking(clock)
        self.coordinator = MemoryCoordinator(clock)

    def close(self) -> None:
        """End the waiting of those who wait for replies."""
        self._replies.close()
