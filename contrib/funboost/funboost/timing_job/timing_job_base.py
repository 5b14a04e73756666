"""The older way: an APScheduler scheduler of this process, which runs functions that push."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable

from funboost_core.environment import default
from funboost_core.timing import timezone

from ..own_lock import OwnLock

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler as FsdfBackgroundScheduler
    from apscheduler.schedulers.background import BackgroundScheduler as FunboostBackgroundScheduler

    from ..booster import Booster
    from ..overriding.consumer import AbstractConsumer

    funboost_aps_scheduler: FunboostBackgroundScheduler
    fsdf_background_scheduler: FunboostBackgroundScheduler

__all__ = [
    "FsdfBackgroundScheduler",
    "FunboostBackgroundScheduler",
    "fsdf_background_scheduler",
    "funboost_aps_scheduler",
    "push_fun_params_to_broker",
    "timing_publish_deco",
]
_CLASSES = ("FunboostBackgroundScheduler", "FsdfBackgroundScheduler")
_OBJECTS = ("funboost_aps_scheduler", "fsdf_background_scheduler")
_one_at_a_time = OwnLock()


def push_fun_params_to_broker(queue_name: str, *args: Any, **kwargs: Any) -> None:
    """Push to the function of a queue that this program has declared: a module-level function, as job stores want it.

    Raises:
        QueueUnknown: no such function is known here.
    """
    default().registry[queue_name].push(*args, **kwargs)


def timing_publish_deco(consuming_func: Booster[Any, Any, Any] | AbstractConsumer) -> Callable[..., None]:
    """A function that pushes what it is called with, for an APScheduler scheduler of your own.

    Example::

        funboost_aps_scheduler.add_job(timing_publish_deco(add), "interval", seconds=3, kwargs={"x": 5, "y": 6})
        funboost_aps_scheduler.start()
    """
    push = getattr(consuming_func, "push", None) or consuming_func.publisher_of_same_queue.push  # type: ignore[union-attr]

    def publish(*args: Any, **kwargs: Any) -> None:
        push(*args, **kwargs)

    return publish


def __getattr__(name: str) -> Any:
    if name not in (*_CLASSES, *_OBJECTS):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from funboost_scheduler_apscheduler.background import FunboostBackgroundScheduler
    except ImportError as error:
        raise ImportError(
            f"{name} needs APScheduler ({error}). Install it with: pip install funboost-scheduler-apscheduler"
        ) from error
    if name in _CLASSES:
        return FunboostBackgroundScheduler
    with _one_at_a_time():  # or two threads would get one each
        return _common(FunboostBackgroundScheduler)


@functools.lru_cache
def _common(scheduler: type[FunboostBackgroundScheduler]) -> FunboostBackgroundScheduler:
    """The one that both names mean."""
    return scheduler(timezone=timezone(str(default().settings("TIMEZONE", "UTC"))))
