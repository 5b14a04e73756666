"""All tasks of this process, by queue name and by group."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from funboost_core import bootstrap
from funboost_core.environment import default
from funboost_core.errors import ConfigError

from .booster import boost
from .keep_alive import ctrl_c_recv
from .overriding.factories import get_publisher

if TYPE_CHECKING:
    from funboost_core.params import TaskOptions
    from funboost_core.results import AsyncResult

    from .booster import Booster
    from .overriding.publisher import AbstractPublisher
    from .params import BoosterParams, PublisherParams

    AnyBooster = Booster[..., Any, Any]


class _Registered(type):
    """What is registered now, as attributes of the class."""

    @property
    def pid_queue_name__booster_map(cls) -> dict[tuple[int, str], AnyBooster]:
        """Process id and queue name -> task; a copy."""
        return {(os.getpid(), booster.queue_name): booster for booster in _boosters()}

    @property
    def queue_name__boost_params_map(cls) -> dict[str, BoosterParams]:
        """Queue name -> its parameters; a copy."""
        return {booster.queue_name: booster.boost_params for booster in _boosters()}


class BoostersManager(metaclass=_Registered):
    """Finds, makes and starts tasks by queue name.

    A task is known once its module is imported; see `BoosterDiscovery`.

    Example::

        BoostersManager.push("add", 1, y=2)
        BoostersManager.consume_all()  # blocks
    """

    # -- finding and making -----------------------------------------------------------------------------------------

    @classmethod
    def get_all_queues(cls) -> list[str]:
        """The queue names."""
        return list(default().registry)

    @classmethod
    def get_booster(cls, queue_name: str) -> AnyBooster:
        """The task of a queue.

        Raises:
            QueueUnknown: (a ValueError) there is none in this process.
        """
        return cast("AnyBooster", default().registry[queue_name])

    @classmethod
    def get_or_create_booster_by_queue_name(cls, queue_name: str) -> AnyBooster:
        """The same as `get_booster`: a child process has the tasks of its parent, with connections of its own."""
        return cls.get_booster(queue_name)

    @classmethod
    def get_boost_params(cls, queue_name: str) -> BoosterParams:
        """The parameters of a queue.  Raises `QueueUnknown`."""
        return cls.get_booster(queue_name).boost_params

    @classmethod
    def build_booster(cls, boost_params: BoosterParams) -> AnyBooster:
        """The task of a queue, made when there is none in this process; call it as often as you like.

        Args:
            boost_params: with `consuming_function`; not looked at where the queue has a task.

        Raises:
            ConfigError: (a ValueError) there is no `consuming_function`, or a parameter cannot work.

        Example::

            BoostersManager.build_booster(BoosterParams(queue_name=f"user_{n}", consuming_function=f)).push(1)
        """
        function = boost_params.consuming_function
        if function is None:
            raise ConfigError(
                f"build_booster needs consuming_function in the BoosterParams of {boost_params.queue_name!r}."
            )
        made = default().registry.get_or_make(boost_params.queue_name, lambda: boost(boost_params)(function))
        return cast("AnyBooster", made)

    @classmethod
    def show_all_boosters(cls) -> None:
        """Print each queue, its broker and its function."""
        for booster in sorted(_boosters(), key=lambda booster: booster.queue_name):
            function = booster.consuming_function
            place = f"{function.__module__}.{function.__qualname__}"
            print(booster.queue_name, booster.boost_params.broker_kind, place, sep="  ")  # noqa: T201  it shows them

    # -- publishing -------------------------------------------------------------------------------------------------

    @classmethod
    def push(cls, queue_name: str, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        """`Booster.push` of a queue.  Raises `QueueUnknown`."""
        return cls.get_booster(queue_name).push(*args, **kwargs)

    @classmethod
    def publish(
        cls,
        queue_name: str,
        msg: Mapping[str, Any] | str | bytes,
        task_id: Any = None,
        priority_control_config: TaskOptions | None = None,
    ) -> AsyncResult[Any]:
        """`Booster.publish` of a queue.  Raises `QueueUnknown`."""
        return cls.get_booster(queue_name).publish(msg, task_id, priority_control_config)

    @classmethod
    def get_cross_project_publisher(cls, publisher_params: PublisherParams) -> AbstractPublisher:
        """What publishes to a queue whose function is in another project; one object a process, queue and broker.

        `publish` and `send_msg` take the arguments by name; there is no `push`, which would need the function.

        Example::

            publisher = BoostersManager.get_cross_project_publisher(PublisherParams(queue_name="add"))
            publisher.publish({"x": 1, "y": 2})
        """
        where = default()

        def make() -> AnyBooster:
            unknown = publisher_params.model_copy(update={"consuming_function": None})
            return get_publisher(unknown, environment=where)._boosted()

        key = (publisher_params.queue_name, str(publisher_params.broker_kind).casefold())
        return cast("AnyBooster", where.registry.elsewhere(key, make)).publisher

    # -- consuming ----------------------------------------------------------------------------------------------------

    @classmethod
    def consume_queues(cls, *queue_names: str) -> None:
        """Consume these queues in this process; blocks as `ctrl_c_recv` does.

        Raises:
            QueueUnknown: one of them is not known; nothing has been started then.
        """
        for booster in _found(queue_names):
            booster.consume()
        ctrl_c_recv()

    consume = consume_queues

    @classmethod
    def consume_all_queues(cls, block: bool = True) -> None:
        """Consume all queues in this process.

        Args:
            block: wait as `ctrl_c_recv` does.

        Raises:
            ConfigError: no task is known.
        """
        for booster in _found(_all("consume_all")):
            booster.consume()
        if block:
            ctrl_c_recv()

    consume_all = consume_all_queues

    @classmethod
    def multi_process_consume_queues(cls, **queue_name__process_num: int) -> None:
        """Consume each queue in so many processes of its own; blocks.

        Raises:
            QueueUnknown: one of them is not known; nothing has been started then.

        Example::

            BoostersManager.m_consume(**{"download": 2, "parse": 4})
        """
        for booster, process_num in zip(_found(queue_name__process_num), queue_name__process_num.values()):
            booster.multi_process_consume(process_num)
        ctrl_c_recv()

    m_consume = multi_process_consume_queues

    @classmethod
    def multi_process_consume_all_queues(cls, process_num: int = 1) -> None:
        """Consume every queue in `process_num` processes of its own; blocks.

        Raises:
            ConfigError: no task is known.
        """
        cls.multi_process_consume_queues(**dict.fromkeys(_all("m_consume_all"), process_num))

    m_consume_all = multi_process_consume_all_queues

    # -- groups -------------------------------------------------------------------------------------------------------

    @classmethod
    def get_group(cls, booster_group: str) -> list[str]:
        """The queues whose parameters have that `booster_group`.

        Raises:
            ConfigError: there are none.
        """
        queues = [booster.queue_name for booster in _boosters() if booster.boost_params.booster_group == booster_group]
        if not queues:
            groups = sorted({booster.boost_params.booster_group or "" for booster in _boosters()} - {""})
            raise ConfigError(
                f"No task has booster_group={booster_group!r} (groups: {', '.join(groups) or 'none'}). "
                "Import the modules that define its tasks."
            )
        return queues

    @classmethod
    def consume_group(cls, booster_group: str) -> None:
        """Consume the queues of a group in this process; blocks.  Raises ConfigError where there are none."""
        cls.consume_queues(*cls.get_group(booster_group))

    @classmethod
    def multi_process_consume_group(cls, booster_group: str, process_num: int = 1) -> None:
        """Consume each queue of a group in `process_num` processes; blocks.  Raises ConfigError where there are none."""
        cls.multi_process_consume_queues(**dict.fromkeys(cls.get_group(booster_group), process_num))

    m_consume_group = multi_process_consume_group


def _boosters() -> list[AnyBooster]:
    registry = default().registry
    return [cast("AnyBooster", registry[queue]) for queue in registry]


def _found(queue_names: Iterable[str]) -> list[AnyBooster]:
    return [BoostersManager.get_booster(queue) for queue in queue_names]


def _all(method: str) -> list[str]:
    queues = BoostersManager.get_all_queues()
    if not queues and not bootstrap.muted:
        raise ConfigError(
            f"{method}: no task is known in this process. Import the modules that define them, or use BoosterDiscovery."
        )
    return queues
