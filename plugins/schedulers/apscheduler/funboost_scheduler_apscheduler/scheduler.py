"""The port, over APScheduler's interface."""

from __future__ import annotations

from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.schedulers.base import STATE_PAUSED
from apscheduler.util import undefined

from funboost_core import bootstrap
from funboost_core.errors import ConfigError
from funboost_core.ports.scheduler import Schedule, Scheduler, SchedulerContext

from . import triggers
from .pushing import PushScheduler
from .tables import open_table


class ApsScheduler(Scheduler):
    """Publishes at the times of APScheduler's triggers; the jobs of one queue in one store.

    Raises:
        ConfigError: there is no job store of that name.
    """

    def __init__(self, context: SchedulerContext) -> None:
        self.aps_obj: PushScheduler = PushScheduler(context, open_table(context.store, context.environment))
        """The same as a genuine scheduler of APScheduler."""
        self._queue = context.queue

    def add(self, schedule: Schedule, replace: bool = False) -> None:
        """See `Scheduler.add`."""
        arguments = dict(schedule.trigger)
        try:
            self.aps_obj.add_push_job(
                arguments.pop("kind", None),
                schedule.args,
                schedule.kwargs,
                id=schedule.id,
                misfire_grace_time=undefined if schedule.misfire_grace_time is None else schedule.misfire_grace_time,
                coalesce=schedule.coalesce,
                replace_existing=replace,
                **arguments,
            )
        except ConflictingIdError as error:
            raise ConfigError(
                f"Queue {self._queue!r} has a schedule {schedule.id!r} already. Choose another id, or replace it."
            ) from error

    def all(self) -> list[Schedule]:
        """See `Scheduler.all`."""
        return [_schedule(job) for job in self.aps_obj.get_jobs()]

    def remove(self, schedule_id: str) -> bool:
        """See `Scheduler.remove`."""
        return self._done(self.aps_obj.remove_job, schedule_id)

    def pause(self, schedule_id: str) -> bool:
        """See `Scheduler.pause`."""
        return self._done(self.aps_obj.pause_job, schedule_id)

    def resume(self, schedule_id: str) -> bool:
        """See `Scheduler.resume`."""
        return self._done(self.aps_obj.resume_job, schedule_id)

    def start(self, paused: bool = False) -> None:
        """See `Scheduler.start`."""
        if bootstrap.muted:
            bootstrap.refuse("The scheduler", self._queue)
        elif not self.aps_obj.running:
            self.aps_obj.start(paused)
        elif not paused and self.aps_obj.state == STATE_PAUSED:
            self.aps_obj.resume()

    def stop(self) -> None:
        """See `Scheduler.stop`."""
        if self.aps_obj.running:
            self.aps_obj.shutdown()
        else:
            self.aps_obj.release()

    @staticmethod
    def _done(change: Any, schedule_id: str) -> bool:
        try:
            change(schedule_id)
        except JobLookupError:
            return False
        return True


def _schedule(job: Job) -> Schedule:
    due = job.next_run_time
    return Schedule(
        job.id,
        triggers.dump(job.trigger),
        list(job.args),
        dict(job.kwargs),
        job.misfire_grace_time,
        job.coalesce,
        None if due is None else due.timestamp(),
    )
