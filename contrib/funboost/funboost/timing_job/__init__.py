"""Publishing at set times, under the documented names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..lazy import exporter

if TYPE_CHECKING:
    from .timing_job_base import FsdfBackgroundScheduler as FsdfBackgroundScheduler
    from .timing_job_base import FunboostBackgroundScheduler as FunboostBackgroundScheduler
    from .timing_job_base import fsdf_background_scheduler as fsdf_background_scheduler
    from .timing_job_base import funboost_aps_scheduler as funboost_aps_scheduler
    from .timing_job_base import push_fun_params_to_broker as push_fun_params_to_broker
    from .timing_job_base import timing_publish_deco as timing_publish_deco
    from .timing_push import ApsJobAdder as ApsJobAdder

_BASE = (
    "FsdfBackgroundScheduler FunboostBackgroundScheduler fsdf_background_scheduler funboost_aps_scheduler "
    "push_fun_params_to_broker timing_publish_deco"
)
__getattr__: Callable[[str], Any] = exporter(
    __name__,
    {
        **{name: f"funboost.timing_job.timing_job_base:{name}" for name in _BASE.split()},
        "ApsJobAdder": "funboost.timing_job.timing_push:ApsJobAdder",
    },
)
