"""What a decorated function is: still the function, and a task that can be published and consumed."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Generic, TypeVar, overload

from typing_extensions import Concatenate, ParamSpec, Self

from . import bootstrap
from .checks import refuse_impossible
from .message import new_task_id
from .native import RLock, off_hub
from .results import AsyncResult
from .task import Task

if TYPE_CHECKING:
    from .aio_results import AioAsyncResult
    from .environment import Environment
    from .explain import Explanation
    from .params import BoosterParams, TaskOptions
    from .publishing.publisher import Publisher

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
C = TypeVar("C")

Body = "Mapping[str, Any] | str | bytes"


class _OfFunction:
    """The signature of the function, for `inspect.getfullargspec` too, which does not look what is wrapped."""

    def __get__(self, booster: Booster[Any, Any, Any] | None, owner: Any = None) -> inspect.Signature:
        if booster is None:
            raise AttributeError("__signature__")  # the class is asked: it has its own
        return inspect.signature(booster.consuming_function)


class Booster(Generic[P, R, C]):
    """A function that can be published, consumed and still be called.

    `P` are the function's parameters, `R` what a run results in, `C` what a plain call returns (a coroutine for an
    ``async def``).  Made by `boost`.
    """

    __signature__: _OfFunction = _OfFunction()
    task_class: ClassVar[type[Task]] = Task
    """What describes the queue to publisher and consumer; a subclass may put something between itself and the core."""

    def __init__(self, params: BoosterParams, function: Callable[P, C], environment: Environment) -> None:
        self.boost_params: BoosterParams = params
        self.consuming_function = function
        self.task: Task = self.task_class(params, function, environment)
        self._environment = environment
        self._publisher: Publisher | None = None
        self._lock = RLock()
        functools.update_wrapper(self, function)

    @property
    def queue_name(self) -> str:
        """The queue."""
        return self.boost_params.queue_name

    # -- the function -------------------------------------------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C:
        """Call the function here and now."""
        return self.consuming_function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self: Booster[Concatenate[Any, Q], R, C], instance: object, owner: Any = None) -> Callable[Q, C]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind like a function, so that ``obj.method(...)`` calls it and ``Class.class_method.push(Class)`` publishes."""
        return self if instance is None else types.MethodType(self, instance)

    def __set_name__(self, owner: type, name: str) -> None:
        if self.task.method is not None:
            self.task.method.owner = owner

    def __repr__(self) -> str:
        return f"<Booster {self.__name__} on queue {self.queue_name!r}>"  # type: ignore[attr-defined]

    # -- publishing ---------------------------------------------------------------------------------------------------

    @property
    def publisher(self) -> Any:
        """What publishes to the queue, connected when first used."""
        return self._outlet

    @property
    def _outlet(self) -> Publisher:
        return self._publisher or _uninterrupted(self._connected)

    def _connected(self) -> Publisher:
        self.task.prepare()
        with self._lock:
            if self._publisher is None:
                from .publishing.publisher import Publisher

                self._publisher = Publisher(self.task)
            return self._publisher

    def push(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Publish a call with these arguments.

        Raises:
            SignatureError: the arguments do not fit the function.
            PublishError, BrokerUnavailable: the broker did not take it.

        Example::

            result = add.push(1, y=2)
        """
        if bootstrap.muted:
            return self._muted("push")
        task_id = (self._publisher or self._outlet).push(args, kwargs)
        return AsyncResult(task_id, 120.0, self._environment, self.boost_params.is_using_rpc_mode)

    def push_many(self, calls: Sequence[Mapping[str, Any]]) -> list[AsyncResult[R]]:
        """Publish many calls, each a dict of keyword arguments, in one batch.

        Example::

            add.push_many([{"x": 1, "y": 2}, {"x": 3, "y": 4}])
        """
        if bootstrap.muted:
            return [self._muted("push_many")]
        rpc = self.boost_params.is_using_rpc_mode
        return [AsyncResult(task_id, 120.0, self._environment, rpc) for task_id in self._outlet.push_many(calls)]

    def publish(
        self, msg: Mapping[str, Any] | str | bytes, task_id: Any = None, options: TaskOptions | None = None
    ) -> AsyncResult[R]:
        """Publish a message by argument names, with an id and controls of its own.

        Example::

            add.publish({"x": 1, "y": 2}, options=TaskOptions(countdown=60))
        """
        if bootstrap.muted:
            return self._muted("publish")
        identity, rpc = self._outlet.publish(msg, task_id, options)
        return AsyncResult(identity, 120.0, self._environment, rpc)

    async def aio_push(self, *args: P.args, **kwargs: P.kwargs) -> AioAsyncResult[R]:
        """`push` for coroutines: the loop is not blocked."""
        return await self._aio(functools.partial(self.push, *args, **kwargs))

    async def aio_publish(
        self, msg: Mapping[str, Any] | str | bytes, task_id: Any = None, options: TaskOptions | None = None
    ) -> AioAsyncResult[R]:
        """`publish` for coroutines."""
        return await self._aio(functools.partial(self.publish, msg, task_id, options))

    def send_msg(self, msg: bytes | str | dict[str, Any]) -> None:
        """Publish raw: no ``extra``, no checks."""
        if bootstrap.muted:
            self._muted("send_msg")
        else:
            self._outlet.send(msg)

    def clear(self) -> None:
        """Remove the messages that wait: queued, delayed, debounced, or for their next retry.

        What runs goes on; dead letters are a queue of their own, and stay.

        Raises:
            CapabilityMissing: the broker cannot empty a queue.
        """
        self._outlet.purge()

    def get_message_count(self) -> int:
        """Messages that wait; -1 where the broker cannot tell."""
        return self._outlet.count()

    # -- consuming ----------------------------------------------------------------------------------------------------

    def consume(self) -> None:
        """Start to consume in this process and return at once.  A second call only logs a warning."""
        if bootstrap.muted:
            self._muted("consume")
            return
        self._environment.worker.consume(self.task)
        if getattr(self.boost_params, "schedule_tasks_on_main_thread", False):
            self._environment.worker.wait()

    def multi_process_consume(self, process_num: int = 1) -> None:
        """Consume in `process_num` child processes, each with the task's own concurrency; returns at once."""
        if bootstrap.muted:
            self._muted("multi_process_consume")
            return
        self._environment.worker.multi_process_consume(self.task, process_num)

    def pause_consume(self) -> None:
        """Let no consumer of this queue, on any host, start another message until `continue_consume`."""
        self._order("PAUSED", "1")

    def continue_consume(self) -> None:
        """Undo `pause_consume`."""
        self._order("PAUSED", "0")

    def change_qps(self, qps: float | None) -> None:
        """Let every consumer of this queue start `qps` messages a second from now on; 0 = no limit, None = as declared."""
        self._order("QPS", None if qps is None else str(float(qps)))

    def change_concurrent_num(self, concurrent_num: int | None) -> None:
        """Let every consumer of this queue run so many messages at once from now on; None = as declared."""
        if concurrent_num is not None and concurrent_num < 1:
            raise ValueError(f"concurrent_num must be at least 1, not {concurrent_num}; use pause_consume to stop")
        self._order("CONCURRENCY", None if concurrent_num is None else str(int(concurrent_num)))

    def _order(self, name: str, value: str | None) -> None:
        from .consuming import orders

        off_hub(orders.give, self.task, getattr(orders, name), value)

    def wait_for_possible_has_finish_all_tasks(self, minutes: float = 3) -> None:
        """Block until the queue has been empty, and nothing has run, for `minutes`.

        Raises:
            ValueError: `minutes` is not positive.
            CapabilityMissing: the broker cannot count its messages.
        """
        from .waiting import wait_until_quiet

        off_hub(wait_until_quiet, self.task, self._outlet, minutes * 60)

    def explain(self, options: TaskOptions | None = None) -> Explanation:
        """What will happen to a call: each control in force, where it comes from, who carries it out; print it.

        Args:
            options: controls of the message, as given to `publish`.

        Example::

            print(add.explain(TaskOptions(countdown=60)))
        """
        from .explain import explain

        return explain(self.task, options)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _muted(self, what: str) -> AsyncResult[R]:
        bootstrap.refuse(what, self.queue_name)
        return AsyncResult(new_task_id(self.queue_name), 0.0, self._environment, False)

    async def _aio(self, publish: Callable[[], AsyncResult[R]]) -> AioAsyncResult[R]:
        from .aio_results import AioAsyncResult, off_loop

        result = await off_loop(publish)
        return AioAsyncResult(result.task_id, result.timeout, self._environment, result._rpc)

    def rebind(self, environment: Environment, params: BoosterParams) -> None:
        """Belong to another program, with other parameters; what was opened is closed.  For tests.

        Raises:
            ConfigError: a control cannot work there.
        """
        self.close()
        task = self.task_class(params, self.consuming_function, environment)
        task.method = self.task.method  # it knows its class
        refuse_impossible(task)
        self.boost_params, self.task, self._environment = params, task, environment
        environment.registry.add(self)

    def forget_connections(self) -> None:
        """In a forked child: publish through a connection of its own."""
        self._lock = RLock()
        self._publisher = None

    def close(self) -> None:
        """Release the connection; publishing again opens another."""
        _uninterrupted(self._disconnect)

    def _disconnect(self) -> None:
        with self._lock:  # one that is being made is closed too
            publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()


def _uninterrupted(function: Callable[[], Any]) -> Any:
    """``function()``, in which a run is not interrupted; off the hub, where several greenlets would share its lock."""
    from .shielding import shielded

    return shielded(off_hub, function)
