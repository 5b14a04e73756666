"""The documented decorator and what it makes of a function: the core's, with the documented names and arguments."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Protocol, TypeVar, cast, overload

from typing_extensions import ParamSpec

from funboost_core import boost as core_boost
from funboost_core import booster as core
from funboost_core.environment import default
from funboost_core.errors import ConfigError
from funboost_core.methods import kind_of
from funboost_core.native import off_hub
from funboost_core.params import BoosterParams as CoreParams

from .aliases import BoosterSpellings
from .lazy import load
from .params import BoosterParams, PublisherParams
from .refusals import refuse
from .task import OverridableTask

if TYPE_CHECKING:
    from funboost_core.aio_results import AioAsyncResult
    from funboost_core.environment import Environment
    from funboost_core.params import TaskOptions
    from funboost_core.results import AsyncResult
    from funboost_core.task import Task

    from .overriding.consumer import AbstractConsumer
    from .overriding.publisher import AbstractPublisher

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


if TYPE_CHECKING:
    from .deploying import Deploying

    class _Bases(BoosterSpellings, Deploying): ...

else:
    _Bases = BoosterSpellings


class FunboostDeprecationWarning(DeprecationWarning):
    """Something still works and has a better way now."""


class Booster(_Bases, core.Booster[P, R, C]):
    """A function that can be published, consumed and still be called; made by `boost`.

    ``@Booster(...)`` decorates like ``@boost(...)``.
    """

    is_decorated_as_consume_function = True
    task_class: ClassVar[type[Task]] = OverridableTask

    if TYPE_CHECKING:
        boost_params: BoosterParams
        task: OverridableTask

        def __new__(  # type: ignore[misc]
            cls, boost_params: CoreParams | str | None = None, *, environment: Environment | None = None, **fields: Any
        ) -> Decorator:
            """Decorate: ``@Booster(...)`` is ``@boost(...)``."""

    else:

        def __new__(cls, *args, **kwargs):
            """Decorate: ``@Booster(...)`` is ``@boost(...)``."""
            if len(args) > 1 or not (args or kwargs):  # being built by `boost`, or copied
                return super().__new__(cls)
            return boost(*args, **kwargs)

        def __init__(self, params, function, environment):
            super().__init__(params, function, environment)
            self.task.booster = self

    if not TYPE_CHECKING:

        def rebind(self, environment, params):
            """Belong to another program, with other parameters; for tests."""
            super().rebind(environment, params)
            self.task.booster = self

        def fabric_deploy(self, *args, **kwargs):
            """Start this task on another machine; see `funboost.deploying.Deploying.fabric_deploy`."""
            return load("funboost.deploying:Deploying").fabric_deploy(self, *args, **kwargs)

    def forget_connections(self) -> None:
        """In a forked child: publish and consume through connections of its own."""
        super().forget_connections()
        self.task.forget()

    # -- publishing -----------------------------------------------------------------------------------------------

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """The same as `push`."""
        return self.push(*args, **kwargs)

    def publish(  # type: ignore[override]
        self,
        msg: Mapping[str, Any] | str | bytes,
        task_id: Any = None,
        priority_control_config: TaskOptions | None = None,
        *,
        task_options: TaskOptions | None = None,
        options: TaskOptions | None = None,
    ) -> AsyncResult[R]:
        """Publish a message by argument names, with an id and controls of its own.

        Args:
            msg: the arguments as a dict or its JSON text; an ``extra`` in it wins over what is generated.
            task_id: its id; generated if None.
            priority_control_config: controls of this message; `task_options` and `options` are the same.

        Raises:
            SignatureError: the arguments do not fit the function; it is a ValueError.

        Example::

            f.publish({"x": 1}, priority_control_config=PriorityConsumingControlConfig(countdown=60))
        """
        return super().publish(msg, task_id, _one(priority_control_config, task_options, options))

    pub = publish
    apply_async = publish

    async def aio_publish(  # type: ignore[override]
        self,
        msg: Mapping[str, Any] | str | bytes,
        task_id: Any = None,
        priority_control_config: TaskOptions | None = None,
        *,
        task_options: TaskOptions | None = None,
        options: TaskOptions | None = None,
    ) -> AioAsyncResult[R]:
        """`publish` for coroutines: the loop is not blocked."""
        return await super().aio_publish(msg, task_id, _one(priority_control_config, task_options, options))

    @property
    def publisher(self) -> AbstractPublisher:
        """The publishing side, one object a queue and process."""
        return self.task.publisher

    def publisher_of(self, queue_name: str) -> AbstractPublisher:
        """What publishes to another queue of the same broker, without a function."""
        from .overriding.factories import get_publisher

        params = self.boost_params
        said = {name: getattr(params, name) for name in params.model_fields_set & PublisherParams.model_fields.keys()}
        said.update(queue_name=queue_name, broker_kind=params.broker_kind, consuming_function=None)
        said.update(publisher_override_cls=params.publisher_override_cls)
        return get_publisher(PublisherParams(**said), environment=self._environment)

    def connect(self) -> None:
        """Make what publishes ready."""
        self._outlet  # noqa: B018  made when first asked for

    def clear_queue(self) -> None:
        """The same as `clear`."""
        self.clear()

    def clear_filter_tasks(self) -> None:
        """Forget which arguments have run (`do_task_filtering`); they may run again."""
        from funboost_core.policies import unique

        off_hub(unique.forget, self.task)

    def multi_process_pub_params_list(self, params_list: Sequence[Mapping[str, Any]], process_num: int = 16) -> None:
        """Push many calls, each a dict of keyword arguments, by at most `process_num` processes; returns when it is done.

        `push_many` does in one process what `push` would take several for.

        Raises:
            CapabilityMissing: the broker keeps its queue within one process.
            PublishError: a process failed.

        Example::

            add.multi_process_pub_params_list([{"x": n, "y": 1} for n in range(1_000_000)], process_num=4)
        """
        from .mass_publishing import publish_all

        publish_all(self, params_list, process_num)

    # -- consuming --------------------------------------------------------------------------------------------------

    @property
    def consumer(self) -> AbstractConsumer:
        """The consuming side, one object a queue and process."""
        return self.task.consumer

    def start(self) -> None:
        """The same as `consume`."""
        self.consume()

    start_consuming_message = start

    def multi_process_start(self, process_num: int = 1) -> None:
        """The same as `multi_process_consume`."""
        self.multi_process_consume(process_num)

    mp_consume = multi_process_start

    def pause(self) -> None:
        """The same as `pause_consume`."""
        self.pause_consume()


def _one(*options: TaskOptions | None) -> TaskOptions | None:
    given = [option for option in options if option is not None]
    if len(given) > 1:
        raise ConfigError("priority_control_config, task_options and options mean the same; give one of them.")
    return given[0] if given else None


class Decorator(Protocol):
    """What `boost(...)` returns: it takes a plain function or an ``async def``."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]]) -> Booster[P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def __call__(self, function: Callable[P, R]) -> Booster[P, R, R]: ...


def boost(
    boost_params: CoreParams | str | None = None, *, environment: Environment | None = None, **fields: Any
) -> Decorator:
    """Make a function a task.

    Args:
        boost_params: how it is published and consumed.  A queue's name with `fields` is the old style and warns.
        environment: the program it belongs to, the default one if None.
        **fields: fields of `BoosterParams`, in the old style only.

    Raises:
        ConfigError: a ValueError; a parameter cannot work, or is not available yet.

    Example::

        @boost(BoosterParams(queue_name="add", qps=5))
        def add(x: int, y: int) -> int:
            return x + y

        add.push(1, y=2)
        add.consume()
    """
    params, where = _params(boost_params, fields), environment or default()

    def decorate(function: Callable[..., Any]) -> Booster[Any, Any, Any]:
        filled = _filled(params, function)
        refuse(filled, where)
        booster = core_boost(filled, environment=where, booster_class=Booster)(function)
        return cast("Booster[Any, Any, Any]", booster)

    return decorate


task_deco = boost


def _params(given: CoreParams | str | None, fields: dict[str, Any]) -> BoosterParams:
    if isinstance(given, CoreParams):
        if fields:
            raise ConfigError(f"Put {', '.join(fields)} into the BoosterParams of queue {given.queue_name!r}.")
        if isinstance(given, BoosterParams):
            return given
        return BoosterParams(**{name: getattr(given, name) for name in given.model_fields_set})
    if given is not None:
        if not isinstance(given, str):
            raise ConfigError(f"@boost takes BoosterParams, not {given!r}: @boost(BoosterParams(queue_name='...')).")
        fields = {"queue_name": given, **fields}
    params = BoosterParams(**fields)
    warnings.warn(
        f"@boost({params.queue_name!r}, ...) is the old style; write @boost(BoosterParams(queue_name=..., ...)).",
        FunboostDeprecationWarning,
        stacklevel=3,
    )
    return params


def _filled(params: BoosterParams, function: Callable[..., Any]) -> BoosterParams:
    """A copy that knows its function and where it was declared."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = {"where_to_instantiate": f"{code.co_filename}:{code.co_firstlineno}"} if code else {}
    return params.model_copy(
        update={
            "consuming_function": function,
            "consuming_function_raw": function,
            "consuming_function_name": getattr(function, "__name__", ""),
            "consuming_function_kind": params.consuming_function_kind or kind_of(function),
            "auto_generate_info": {**place, **params.auto_generate_info},
        }
    )
