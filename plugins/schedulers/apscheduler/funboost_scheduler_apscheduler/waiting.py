"""The event that wakes a scheduler's thread, on the environment's clock."""

from __future__ import annotations

from funboost_core.clock import Clock
from funboost_core.native import Condition, off_hub


class ClockEvent:
    """What APScheduler needs of a `threading.Event`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = Condition()
        self._set = False

    def is_set(self) -> bool:
        """Whether it has been set."""
        return self._set

    def set(self) -> None:
        """Wake who waits."""
        with self._changed:
            self._set = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget that it was set."""
        with self._changed:
            self._set = False

    def wait(self, seconds: float) -> None:
        """Return when it is set, or after `seconds`; greenlets go on meanwhile."""
        off_hub(self._wait, seconds)

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if not self._set and seconds > 0:
                self._clock.wait(self._changed, seconds)
