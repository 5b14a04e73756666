"""One round of firing: claim what is due, publish it, move it on.

In this order, so that a fire is published at least once: whoever is killed in between leaves a claim that ends, and
another scheduler publishes the same fires again, as copies of which one runs (`Fires`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

from funboost_core.errors import text_of
from funboost_core.ports.scheduler import SchedulerContext

from . import jobs, missed

if TYPE_CHECKING:
    from .tables.base import Row, Table

LEASE = 10
"""Beats (BEAT_SECONDS) for which jobs that are being published are withheld from other schedulers: so late are the fires
of one that is killed."""
BATCH = 100
"""Jobs that are claimed at once."""
LOOK = 1.0
"""Seconds between two looks, at most: so late is what other processes add."""


class Told(NamedTuple):
    """What has become of a job's time: published as `task_id`, failed with `error`, or else skipped as too late."""

    job_id: str
    time: float
    task_id: str | None = None
    error: Exception | None = None


class Firing:
    """Fires the jobs of one queue; `tell` hears of each fire, `going` says whether to go on."""

    def __init__(
        self, context: SchedulerContext, table: Table, tell: Callable[[Told], None], going: Callable[[], bool]
    ) -> None:
        self._context = context
        self._table = table
        self._tell = tell
        self._going = going
        self._clock = context.environment.clock
        self._lease = LEASE * float(context.environment.settings("BEAT_SECONDS", 1.0))

    def round(self) -> float:
        """Fire all that is due; seconds until the next look."""
        while self._going():
            begun = self._clock.monotonic()
            rows = self._table.claim(self._context.queue, self._clock.time(), self._lease, BATCH)
            changes: list[tuple[Row, Row | None]] = []
            for row in rows:
                held = self._going() and self._clock.monotonic() - begun < self._lease / 2
                changes.append((row, self._fire(row) if held else row._replace(ready=row.due)))
            if changes:
                self._table.swap(changes)
            if len(rows) < BATCH:
                break
        ready = self._table.next_ready(self._context.queue)
        return LOOK if ready is None else min(LOOK, max(0.0, ready - self._clock.time()))

    def _fire(self, row: Row) -> Row | None:
        """Publish what is due of a job; its row as it goes on, None when its trigger has ended."""
        assert row.planned is not None
        now, planned = self._clock.time(), row.planned
        try:
            plan = jobs.plan(row.body)
            times = missed.times(plan.trigger, planned, now, plan.coalesce, plan.misfire_grace_time)
            for planned in times.skip:
                self._context.logger.warning(
                    "%s: schedule %s was due at %s, more than misfire_grace_time=%s seconds ago; it is skipped.",
                    self._context.queue,
                    row.id,
                    missed.moment(planned),
                    plan.misfire_grace_time,
                )
                self._tell(Told(row.id, planned))
            for planned in times.publish:
                task_id = self._context.fires.publish(row.id, planned, plan.args, plan.kwargs)
                self._tell(Told(row.id, planned, task_id))
        except Exception as error:
            self._context.logger.warning(
                "%s: schedule %s could not be published (%s: %s); trying again.",
                self._context.queue,
                row.id,
                type(error).__name__,
                text_of(error),
            )
            self._tell(Told(row.id, planned, error=error))
            return row._replace(planned=planned, ready=now + LOOK)
        return None if times.following is None else jobs.timed(row, times.following)
