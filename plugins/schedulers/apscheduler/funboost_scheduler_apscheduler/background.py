"""APScheduler's BackgroundScheduler, with the documented change: it looks for jobs once a second at least."""

from __future__ import annotations

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED

from .firing import LOOK


class FunboostBackgroundScheduler(BackgroundScheduler):  # type: ignore[misc]
    """Sees what another process adds to its job store within a second; everything else is APScheduler's."""

    def _main_loop(self) -> None:
        while self.state != STATE_STOPPED:
            seconds = self._process_jobs()
            self._event.wait(LOOK if seconds is None else min(seconds, LOOK))
            self._event.clear()
