"""Schedules: `push` at set times, by any number of schedulers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

    from ..booster import Booster


class ApsJobAdder:
    """Adds jobs that push to a function's queue, and starts the scheduler that fires them.

    It may be made any number of times: all of one function and store share one scheduler.  Schedulers of other processes
    over the same store share the jobs, and each fire runs once; whoever is killed is made up for.

    Args:
        booster: the function; its queue is published to.
        job_store_kind: 'memory' (this process, forgotten at its end), 'sqlite' (the processes of this host) or 'redis'
            (all hosts; needs `funboost-store-redis`).
        is_auto_start: start the scheduler; otherwise jobs are only added.
        is_auto_paused: start it paused, so that it fires nothing: for the web process that only adds.

    Raises:
        UnknownKind: `funboost-scheduler-apscheduler` is not installed.
        ConfigError: there is no such store.

    Example::

        ApsJobAdder(add, job_store_kind="sqlite").add_push_job("cron", hour=3, args=(1, 2), id="a", replace_existing=True)
    """

    def __init__(
        self,
        booster: Booster[Any, Any, Any],
        job_store_kind: str = "memory",
        is_auto_start: bool = True,
        is_auto_paused: bool = False,
    ) -> None:
        schedulers = booster.task.environment.schedulers
        self.booster = booster
        self.job_store_kind = job_store_kind
        self._scheduler: Any = schedulers.open("apscheduler", booster, job_store_kind)
        if is_auto_start:
            self._scheduler.start(paused=is_auto_paused)

    @property
    def aps_obj(self) -> BackgroundScheduler:
        """The scheduler, a genuine one of APScheduler: ``remove_job``, ``get_jobs``, ``pause``, ``start`` …"""
        return self._scheduler.aps_obj

    def add_push_job(
        self,
        trigger: Any = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Any:
        """Push ``f.push(*args, **kwargs)`` when the trigger says; the job.

        The arguments are those of APScheduler's ``add_job`` without the function: `trigger` ('date', 'interval', 'cron',
        'calendarinterval' or a trigger object) with its own arguments, `replace_existing`, `misfire_grace_time`,
        `coalesce`, `next_run_time`.  Missed fires: by default the latest of them is pushed; ``coalesce=False`` pushes
        all, ``misfire_grace_time=n`` none that is more than n seconds late.

        Raises:
            SignatureError, NotSerializable: the arguments do not fit the function, or are not JSON.
            ConfigError: the trigger cannot work.
            ConflictingIdError: (APScheduler's, a KeyError) the id is taken and `replace_existing` is not set.
        """
        return self.aps_obj.add_push_job(trigger, args, kwargs, id, name, **options)
