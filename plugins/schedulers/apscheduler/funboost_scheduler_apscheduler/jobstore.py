"""APScheduler's job store over a table: one queue's jobs."""

from __future__ import annotations

import datetime
from typing import Callable

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore, ConflictingIdError, JobLookupError

from funboost_core.native import off_hub

from . import jobs
from .missed import moment
from .tables.base import Row, Table


class TableJobStore(BaseJobStore):  # type: ignore[misc]
    """The jobs of `queue`.  Changes are made to what is stored at that moment, whoever else changes it."""

    def __init__(self, table: Table, queue: str) -> None:
        super().__init__()
        self.table = table
        self.queue = queue

    # -- what APScheduler calls -----------------------------------------------------------------------------------

    def lookup_job(self, job_id: str) -> Job | None:
        """The job of that id, or None."""
        row = off_hub(self.table.get, self.queue, job_id)
        return None if row is None else self.job_of(row)

    def get_due_jobs(self, now: datetime.datetime) -> list[Job]:
        """The jobs whose time has come."""
        return [job for job in self.get_all_jobs() if job.next_run_time is not None and job.next_run_time <= now]

    def get_next_run_time(self) -> datetime.datetime | None:
        """When the next job is due."""
        ready = off_hub(self.table.next_ready, self.queue)
        return None if ready is None else moment(ready)

    def get_all_jobs(self) -> list[Job]:
        """All jobs, those due soonest first, paused ones last."""
        return [self.job_of(row) for row in off_hub(self.table.all, self.queue)]

    def add_job(self, job: Job) -> None:
        """Keep a new job.  Raises `ConflictingIdError` where its id is taken."""
        if not off_hub(self.table.insert, self.row_of(job)):
            raise ConflictingIdError(job.id)

    def update_job(self, job: Job) -> None:
        """Keep `job` in the place of the one of its id."""
        self.edit(job.id, lambda row: self.row_of(job))

    def remove_job(self, job_id: str) -> None:
        """Remove a job.  Raises `JobLookupError` where there is none."""
        if not off_hub(self.table.delete, self.queue, job_id):
            raise JobLookupError(job_id)

    def remove_all_jobs(self) -> None:
        """Remove the jobs of this queue."""
        off_hub(self.table.clear, self.queue)

    def shutdown(self) -> None:
        """Release the connection; it is opened again on demand."""
        off_hub(self.table.close)

    # -- what the scheduler calls ------------------------------------------------------------------------------------

    def edit(self, job_id: str, change: Callable[[Row], Row | None]) -> Row | None:
        """Replace a row by what `change` makes of it (None removes it), in one step; what it has become.

        Raises:
            JobLookupError: there is no such job.
        """
        while True:
            row = off_hub(self.table.get, self.queue, job_id)
            if row is None:
                raise JobLookupError(job_id)
            new = change(row)
            if off_hub(self.table.swap, [(row, new)])[0]:
                return new

    def put(self, row: Row, merge: Callable[[Row], Row]) -> Row:
        """Add a row, or put what `merge` makes of the present one in its place; what is stored."""
        while not off_hub(self.table.insert, row):
            try:
                merged = self.edit(row.id, merge)
            except JobLookupError:  # removed in between
                continue
            assert merged is not None
            return merged
        return row

    def row_of(self, job: Job) -> Row:
        """The row of an APScheduler job."""
        due = None if job.next_run_time is None else job.next_run_time.timestamp()
        return Row(self.queue, job.id, jobs.dump(job), due, due, due)

    def job_of(self, row: Row) -> Job:
        """The APScheduler job of a row."""
        return jobs.load(row, self._scheduler, self._alias)
