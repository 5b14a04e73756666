"""An APScheduler scheduler whose jobs are published to one queue, together with any number of others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from apscheduler import events
from apscheduler.job import Job
from apscheduler.jobstores.base import ConflictingIdError
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED, SchedulerAlreadyRunningError
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import convert_to_datetime, undefined

from funboost_core import bootstrap
from funboost_core.errors import ConfigError
from funboost_core.native import off_hub
from funboost_core.ports.scheduler import SchedulerContext
from funboost_core.timing import timezone

from . import jobs, triggers
from .background import FunboostBackgroundScheduler
from .firing import LOOK, Firing, Told
from .jobstore import TableJobStore
from .missed import moment
from .tables.base import Row, Table
from .waiting import ClockEvent

STORE = "default"


class PushScheduler(FunboostBackgroundScheduler):
    """APScheduler's interface over the jobs of one queue; `add_push_job` instead of `add_job`.

    Its jobs can be looked at and changed also while it is stopped: others may fire them.
    """

    _state: int = STATE_STOPPED
    _looker: int | None = None  # the thread that looks at the jobs while it is stopped

    def __init__(self, context: SchedulerContext, table: Table) -> None:
        self._context = context
        self._clock = context.environment.clock
        super().__init__(
            timezone=timezone(str(context.environment.settings("TIMEZONE", "UTC"))),
            logger=context.logger,
        )
        self._store = TableJobStore(table, context.queue)
        self._firing = Firing(context, table, self._told, lambda: self.state == STATE_RUNNING)
        self._event = ClockEvent(self._clock)
        with self._attached():
            self.add_jobstore(self._store, STORE)

    # -- adding -------------------------------------------------------------------------------------------------------

    def add_push_job(
        self,
        trigger: BaseTrigger | str | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        misfire_grace_time: Any = undefined,
        coalesce: Any = undefined,
        max_instances: Any = undefined,
        next_run_time: Any = undefined,
        jobstore: str = STORE,
        executor: str = "default",
        replace_existing: bool = False,
        **trigger_args: Any,
    ) -> Job:
        """Publish ``push(*args, **kwargs)`` when the trigger says; the arguments are those of APScheduler's `add_job`.

        With `replace_existing` a job that has the same trigger as before keeps its times, so that a program which
        declares its jobs at each start does not put them off.

        Raises:
            ConfigError: the trigger is none, or cannot be kept as JSON.
            SignatureError, NotSerializable: the arguments do not fit the function, or are not JSON.
            ConflictingIdError: the id is taken.
        """
        if jobstore != STORE or executor != "default":
            raise ConfigError(
                f"jobstore={jobstore!r}, executor={executor!r}: this scheduler has one store and publishes by itself. "
                "Leave both out, and choose the store with ApsJobAdder(f, job_store_kind=...)."
            )
        unanchored = trigger in {"interval", "calendarinterval"} and trigger_args.get("start_date") is None
        given = {"misfire_grace_time": misfire_grace_time, "coalesce": coalesce, "max_instances": max_instances}
        job = self._job(
            self._trigger(trigger, trigger_args),
            id=id or uuid4().hex,
            name=name or self._context.queue,
            args=args or (),
            kwargs=kwargs or {},
            **{name: value for name, value in given.items() if value is not undefined},
        )
        row, default_grace = self._store.row_of(job), misfire_grace_time is undefined
        if next_run_time is undefined:
            row = self._first(row, job, default_grace)
        elif next_run_time is not None:
            planned = convert_to_datetime(next_run_time, self.timezone, "next_run_time").timestamp()
            row = row._replace(planned=planned, due=planned, ready=planned)
        if bootstrap.muted:
            bootstrap.refuse("A schedule", self._context.queue)
        elif replace_existing:

            def merge(present: Row) -> Row:
                if next_run_time is not undefined:
                    return row
                return jobs.declared_again(present, row, unanchored, default_grace)

            row = self._store.put(row, merge)
        elif not off_hub(self._store.table.insert, row):
            raise ConflictingIdError(job.id)
        return self._changed(events.EVENT_JOB_ADDED, row)

    def add_job(self, func: Any, *args: Any, **kwargs: Any) -> Job:
        """Refused: what is published has no function."""
        raise ConfigError(
            f"The jobs of queue {self._context.queue!r} are published, so they are JSON and have no function: use "
            "add_push_job(trigger, args=..., kwargs=...). A function of your own can be added to "
            "funboost.funboost_aps_scheduler, which runs it in this process."
        )

    def _trigger(self, trigger: BaseTrigger | str | None, arguments: Mapping[str, Any]) -> BaseTrigger:
        if isinstance(trigger, BaseTrigger):
            return trigger
        return triggers.build(trigger or "date", arguments, self._now())

    def _now(self) -> datetime:
        return moment(self._clock.time()).astimezone(self.timezone)

    def _job(self, trigger: BaseTrigger, **fields: Any) -> Job:
        self._context.fires.check(fields["args"], fields["kwargs"])
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1, "executor": "default"}
        return Job(self, func=jobs.push, trigger=trigger, next_run_time=None, **{**defaults, **fields})

    def _first(self, row: Row, job: Job, default_grace: bool) -> Row:
        """`row` at the first time of its trigger."""
        now = self._clock.time()
        first = jobs.plan(row.body).first(now)
        if first is None:
            raise ConfigError(f"The schedule {job.id!r} has no time to come: {job.trigger}.")
        if first < now and default_grace:  # a date that had passed before it was added: nobody has missed it
            job._modify(misfire_grace_time=1)
            row = self._store.row_of(job)
        return jobs.timed(row, first)

    # -- looking and changing, also while stopped -----------------------------------------------------------------------

    def get_jobs(self, jobstore: str | None = None, pending: bool | None = None) -> list[Job]:
        """The jobs, those due soonest first, paused ones last."""
        with self._attached():
            return list(super().get_jobs(jobstore))

    def get_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """The job of that id, or None."""
        with self._attached():
            return super().get_job(job_id, jobstore)

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Remove a job.  Raises `JobLookupError` where there is none."""
        with self._attached():
            super().remove_job(job_id, jobstore)

    def remove_all_jobs(self, jobstore: str | None = None) -> None:
        """Remove all jobs of the queue."""
        with self._attached():
            super().remove_all_jobs(jobstore)

    def modify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Job:
        """Change options, arguments, trigger or next_run_time of a job.

        Raises:
            JobLookupError: there is none.
            SignatureError, NotSerializable, ConfigError: as `add_push_job`.
        """

        def change(row: Row) -> Row:
            job = self._store.job_of(row)
            before = job.next_run_time
            job._modify(**changes)
            self._context.fires.check(job.args, job.kwargs)
            new = self._store.row_of(job)
            return row._replace(body=new.body) if job.next_run_time == before else new

        row = self._store.edit(job_id, change)
        assert row is not None
        return self._changed(events.EVENT_JOB_MODIFIED, row)

    def reschedule_job(
        self, job_id: str, jobstore: str | None = None, trigger: BaseTrigger | str | None = None, **trigger_args: Any
    ) -> Job:
        """Give a job another trigger; it fires at the first time of that one from now on."""
        made = self._trigger(trigger, trigger_args)

        def change(row: Row) -> Row:
            job = self._store.job_of(row)
            job._modify(trigger=made)
            return self._first(self._store.row_of(job), job, default_grace=False)

        row = self._store.edit(job_id, change)
        assert row is not None
        return self._changed(events.EVENT_JOB_MODIFIED, row)

    def resume_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """Let a paused job fire again, at its next time from now; one that has none is removed."""

        def change(row: Row) -> Row | None:
            first = jobs.plan(row.body).first(self._clock.time())
            return None if first is None else jobs.timed(row, first)

        row = self._store.edit(job_id, change)
        return None if row is None else self._changed(events.EVENT_JOB_MODIFIED, row)

    # -- running ----------------------------------------------------------------------------------------------------------

    def start(self, paused: bool = False) -> None:
        """Start the thread that fires; see APScheduler."""
        if self.running:
            raise SchedulerAlreadyRunningError  # before its thread loses the event that it waits for
        self._event = ClockEvent(self._clock)
        super().start(paused)

    def shutdown(self, wait: bool = True) -> None:
        """Stop firing, end the thread and release the store; the jobs stay where the store keeps them."""
        super().shutdown(wait)
        self.release()  # the thread's last round may have opened it again

    def release(self) -> None:
        """Release what a look at the store has opened."""
        self._store.shutdown()

    def _process_jobs(self) -> float:
        if self.state != STATE_RUNNING:
            return LOOK
        try:
            return off_hub(self._firing.round)
        except Exception:
            self._context.logger.exception("%s: looking for due schedules failed; trying again.", self._context.queue)
            return LOOK

    @property
    def state(self) -> int:
        """APScheduler's; for who looks at the jobs of a stopped scheduler it is paused, and for nobody else."""
        return STATE_PAUSED if self._looker == threading.get_ident() else self._state

    @state.setter
    def state(self, state: int) -> None:
        self._state = state

    @contextmanager
    def _attached(self) -> Iterator[None]:
        """Let APScheduler's methods use the store while the scheduler is stopped; they would only collect otherwise."""
        with self._jobstores_lock:
            before = self._looker
            if self._state == STATE_STOPPED:
                self._looker = threading.get_ident()
            try:
                yield
            finally:
                self._looker = before

    def _changed(self, event: int, row: Row) -> Job:
        """Tell listeners and the thread."""
        self._dispatch_event(events.JobEvent(event, row.id, STORE))
        if self.state == STATE_RUNNING:
            self.wakeup()
        return self._store.job_of(row)

    def _told(self, told: Told) -> None:
        """Tell APScheduler's listeners what has become of a job's time."""
        code = events.EVENT_JOB_EXECUTED if told.task_id else events.EVENT_JOB_MISSED
        if told.error is not None:
            code = events.EVENT_JOB_ERROR
        scheduled = moment(told.time).astimezone(self.timezone)
        self._dispatch_event(
            events.JobExecutionEvent(code, told.job_id, STORE, scheduled, retval=told.task_id, exception=told.error)
        )
