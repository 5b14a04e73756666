"""What works the messages of one consumer off: the interface of `Crew`, `Dispatch`, `Inline` and `EngineLine`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..outcome import Outcome
    from ..ports.broker import Delivery


class Line(ABC):
    """Runs messages, and fetches them unless an engine brings them."""

    replaces: bool = False
    """Whether `take_over` concludes runs."""
    trouble: str = ""
    """Why nothing is brought; "" while all is well."""

    @property
    @abstractmethod
    def running(self) -> int:
        """Messages whose function is being called, about."""

    @property
    def watched(self) -> bool:
        """Whether `tick` is to be called every few milliseconds."""
        return False

    def busy(self, limit: int) -> bool:
        """Whether it runs as much as it may, which is `limit` at once."""
        return self.running >= limit

    @abstractmethod
    def start(self) -> None:
        """Begin to fetch and run."""

    @abstractmethod
    def resize(self, limit: int) -> None:
        """Run at most `limit` at once from now on; what runs already goes on."""

    def stop(self) -> list[Delivery]:
        """Start nothing more; what was fetched and not started is returned."""
        return []

    def unstarted(self) -> list[Delivery]:
        """Take away what was fetched and not started."""
        return []

    def drop(self, deliveries: Sequence[Delivery]) -> None:
        """The broker has lost these: take away what has not started."""
        return

    def take_over(self, delivery: Delivery, outcome: Outcome) -> None:
        """Conclude a run that hangs, in the place of its thread; where it `replaces` threads."""
        return

    def tick(self) -> None:
        """See whether a run that was to be quick is not."""
        return

    def tend(self) -> None:
        """Called at each beat: see whether somebody fetches."""
        return

    @abstractmethod
    def join(self, seconds: float) -> bool:
        """Wait at most `seconds` until what runs has ended and is settled; whether it has."""
