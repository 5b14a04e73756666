"""funboost: put ``@boost`` on any function and it becomes a distributed task.

Names are imported when first used.  ``import funboost`` itself only sets the defaults of this distribution: the SQLite
queue, threads, state in SQLite, the documented time zone and spellings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from funboost_core.environment import default

from . import aliases, defaults
from .lazy import exporter

if TYPE_CHECKING:
    from funboost_core.aio_results import AioAsyncResult as AioAsyncResult
    from funboost_core.context import fct as fct
    from funboost_core.context import get_current_taskid as get_current_taskid
    from funboost_core.results import AsyncResult as AsyncResult
    from funboost_core.status import FunctionResultStatus as FunctionResultStatus

    from .active_consumers import ActiveConsumerProcessInfoGetter as ActiveConsumerProcessInfoGetter
    from .aliases import *  # noqa: F403  the other spellings
    from .booster import Booster as Booster
    from .booster import boost as boost
    from .booster import task_deco as task_deco
    from .configuration.classes import BrokerConnConfig as BrokerConnConfig
    from .configuration.classes import FunboostCommonConfig as FunboostCommonConfig
    from .constant import BrokerEnum as BrokerEnum
    from .constant import ConcurrentModeEnum as ConcurrentModeEnum
    from .constant import FunctionKind as FunctionKind
    from .core.current_task import funboost_current_task as funboost_current_task
    from .core.kill_remote_task import RemoteTaskKiller as RemoteTaskKiller
    from .core.loggers import FunboostFileLoggerMixin as FunboostFileLoggerMixin
    from .core.loggers import get_funboost_file_logger as get_funboost_file_logger
    from .core.loggers import get_logger as get_logger
    from .deploying import ParamikoFolderUploader as ParamikoFolderUploader
    from .discovery import BoosterDiscovery as BoosterDiscovery
    from .keep_alive import ctrl_c_recv as ctrl_c_recv
    from .keep_alive import run_forever as run_forever
    from .kept_results import ResultFromMongo as ResultFromMongo
    from .logs.printing import nb_print as nb_print
    from .managers import BoostersManager as BoostersManager
    from .overriding.consumer import AbstractConsumer as AbstractConsumer
    from .overriding.consumer import EmptyConsumer as EmptyConsumer
    from .overriding.factories import get_consumer as get_consumer
    from .overriding.factories import get_publisher as get_publisher
    from .overriding.kinds import register_custom_broker as register_custom_broker
    from .overriding.publisher import AbstractPublisher as AbstractPublisher
    from .overriding.publisher import EmptyPublisher as EmptyPublisher
    from .params import BoosterParams as BoosterParams
    from .params import BoosterParamsComplete as BoosterParamsComplete
    from .params import FunctionResultStatusPersistenceConfig as FunctionResultStatusPersistenceConfig
    from .params import PriorityConsumingControlConfig as PriorityConsumingControlConfig
    from .params import PublisherParams as PublisherParams
    from .set_frame_config import patch_frame_config as patch_frame_config
    from .set_frame_config import show_frame_config as show_frame_config
    from .timing_job.timing_job_base import fsdf_background_scheduler as fsdf_background_scheduler
    from .timing_job.timing_job_base import funboost_aps_scheduler as funboost_aps_scheduler
    from .timing_job.timing_job_base import timing_publish_deco as timing_publish_deco
    from .timing_job.timing_push import ApsJobAdder as ApsJobAdder
    from .utils.redis_manager import RedisMixin as RedisMixin
    from .utils.thread_count import show_current_threads_num as show_current_threads_num

__version__ = "60.0.0"

_HOMES = {
    "funboost.active_consumers": "ActiveConsumerProcessInfoGetter",
    "funboost.booster": "Booster boost task_deco",
    "funboost.configuration.classes": "BrokerConnConfig FunboostCommonConfig",
    "funboost.constant": "BrokerEnum ConcurrentModeEnum FunctionKind",
    "funboost.core.current_task": "funboost_current_task",
    "funboost.core.kill_remote_task": "RemoteTaskKiller",
    "funboost.core.loggers": "FunboostFileLoggerMixin get_funboost_file_logger get_logger",
    "funboost.deploying": "ParamikoFolderUploader",
    "funboost.discovery": "BoosterDiscovery",
    "funboost.keep_alive": "ctrl_c_recv run_forever",
    "funboost.kept_results": "ResultFromMongo",
    "funboost.logs.printing": "nb_print",
    "funboost.managers": "BoostersManager",
    "funboost.overriding.consumer": "AbstractConsumer EmptyConsumer",
    "funboost.overriding.factories": "get_consumer get_publisher",
    "funboost.overriding.kinds": "register_custom_broker",
    "funboost.overriding.publisher": "AbstractPublisher EmptyPublisher",
    "funboost.params": "BoosterParams BoosterParamsComplete FunctionResultStatusPersistenceConfig "
    "PriorityConsumingControlConfig PublisherParams",
    "funboost.set_frame_config": "patch_frame_config show_frame_config",
    "funboost.timing_job.timing_job_base": "fsdf_background_scheduler funboost_aps_scheduler timing_publish_deco",
    "funboost.timing_job.timing_push": "ApsJobAdder",
    "funboost.utils.redis_manager": "RedisMixin",
    "funboost.utils.thread_count": "show_current_threads_num",
    "funboost_core.context": "fct get_current_taskid",
    "funboost_core.aio_results": "AioAsyncResult",
    "funboost_core.results": "AsyncResult",
    "funboost_core.status": "FunctionResultStatus",
}
_EXPORTS = {
    **{name: f"{home}:{name}" for home, names in _HOMES.items() for name in names.split()},
    **aliases.EXPORTS,
}
defaults.apply(default())

_PLUGIN = {"fsdf_background_scheduler", "funboost_aps_scheduler"}  # `import *` must not import a client for them
__all__ = sorted({*_EXPORTS, "__version__"} - _PLUGIN)  # noqa: PLE0605
__getattr__: Callable[[str], Any] = exporter(__name__, _EXPORTS)


def __dir__() -> list[str]:
    return list(__all__)
