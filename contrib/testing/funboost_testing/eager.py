"""Tasks of a user's program in a test: nothing leaves the process, and they run when the test says so, in its thread."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import Self

from funboost_core import BoosterParams, BrokerSpec, Capability, Environment, PullBroker, default, hookimpl
from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.inline import Inline, InlinePool
from funboost_core.environment import using
from funboost_core.message import DEAD_LETTERS, decode
from funboost_core.registry import Registry
from funboost_core.task import Task

from .clock import FakeClock

if TYPE_CHECKING:
    from funboost_core.booster import Booster
    from funboost_core.message import Message
    from funboost_core.outcome import Outcome
    from funboost_core.ports.broker import Delivery

    AnyBooster = Booster[..., Any, Any]

KIND = "EAGER_QUEUE"
"""The broker of tasks in the block: MEMORY_QUEUE, but messages travel as JSON text, as with brokers that have a server."""
MOST = 100_000
_CHANGES: dict[str, Any] = {
    "broker_kind": KIND,
    "broker_exclusive_config": {},
    "specify_concurrent_pool": None,
    # what would only make a test wait
    "qps": None,
    "is_using_distributed_frequency_control": False,
    "rate_group": None,
}


class Run(NamedTuple):
    """One run of a task's function."""

    arguments: dict[str, Any]
    result: Any
    error: BaseException | None
    task_id: Any


class Eager:
    """Within its block all tasks of the program keep their messages and their state in memory, and the time stands still.

    The way from `push` to the acknowledgement is the real one: signature check, JSON, retries, filters, hooks, dead
    letters, results.  Only `qps` is left out, and `concurrent_mode`: functions run in the thread that calls `run`.
    The pytest fixture `funboost_eager` is such a block around a test.

    Args:
        environment: the program; the default one if None.

    Example::

        with Eager() as eager:
            send_mail.push("ann@example.org")
            assert eager.published(send_mail) == [{"to": "ann@example.org"}]
            eager.run()
            assert eager.results(send_mail) == ["sent"]
    """

    def __init__(self, environment: Environment | None = None) -> None:
        self._origin = environment or default()
        self._exits = ExitStack()
        self._consumers: dict[str, Consumer] = {}
        self._published: list[tuple[str, dict[str, Any]]] = []
        self._runs: list[tuple[str, Run]] = []
        self.clock: FakeClock = FakeClock()
        self.environment: Environment = self._origin.like({"STATE_URL": "memory://", "BROKER_KIND": KIND}, self.clock)

    def __enter__(self) -> Self:
        plugin, manager = _Plugin(self), self.environment.manager
        manager.register(plugin)
        self._exits.callback(manager.unregister, plugin)
        self._exits.enter_context(using(self.environment))
        self._exits.callback(self.environment.close)
        self.environment._parts["registry"] = _Tasks()
        for queue_name in self._origin.registry:
            booster = self._origin.registry[queue_name]
            self._exits.callback(booster.rebind, self._origin, booster.boost_params)
            self.environment.registry.add(booster)
        self._exits.callback(self._release)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    # -- working off ------------------------------------------------------------------------------------------------

    def run(self, *boosters: AnyBooster) -> int:
        """Work off everything that is due, of these tasks or of all, also what they publish meanwhile; how many came.

        Messages with a delay or a retry interval wait for `clock.advance`.

        Raises:
            RuntimeError: 100,000 messages came and there is no end to it.
        """
        came, queues = 0, [booster.queue_name for booster in boosters]
        while True:
            lines = [self._line(name) for name in queues or self.environment.registry]
            now = sum(line.turn() for line in lines)
            if not now:
                return came
            came += now
            if came >= MOST:
                raise RuntimeError(f"{came} messages came and more are there: does a task publish to itself for ever?")

    # -- looking ----------------------------------------------------------------------------------------------------

    def published(self, booster: AnyBooster) -> list[dict[str, Any]]:
        """The arguments of each message that was published, in order."""
        return [arguments for queue, arguments in self._published if queue == booster.queue_name]

    def runs(self, booster: AnyBooster) -> list[Run]:
        """Each run of the function, in order, also those that failed."""
        return [run for queue, run in self._runs if queue == booster.queue_name]

    def results(self, booster: AnyBooster) -> list[Any]:
        """What the runs returned that succeeded."""
        return [run.result for run in self.runs(booster) if run.error is None]

    def waiting(self, booster: AnyBooster) -> list[dict[str, Any]]:
        """The messages in the queue that could be taken now, as dicts with their extra."""
        return self._look(booster.queue_name)

    def dead_letters(self, booster: AnyBooster) -> list[dict[str, Any]]:
        """The messages in the dead-letter queue, as dicts; why they are there is in ``extra["dead_letter"]``."""
        return self._look(booster.queue_name + DEAD_LETTERS)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _line(self, queue_name: str) -> Inline:
        consumer = self._consumers.get(queue_name)
        if consumer is None:
            consumer = Consumer(self.environment.registry[queue_name].task, InlinePool())
            self._consumers[queue_name] = consumer
            consumer.start()
        else:
            consumer.beat()
        assert isinstance(consumer.line, Inline)
        return consumer.line

    def _look(self, queue_name: str) -> list[dict[str, Any]]:
        broker = Task(BoosterParams(queue_name=queue_name, broker_kind=KIND), None, self.environment).make_broker()
        assert isinstance(broker, PullBroker)
        deliveries = broker.fetch(MOST, 0)
        broker.requeue(deliveries)
        broker.close()
        return [decode(delivery.body, MOST * MOST) for delivery in deliveries]

    def _release(self) -> None:
        for consumer in self._consumers.values():
            consumer.stop()
            consumer.release()


class _Tasks(Registry):
    """Takes in every task that is declared, also within the block."""

    def add(self, booster: AnyBooster) -> None:
        if booster.boost_params.broker_kind == KIND:
            super().add(booster)
        else:
            booster.rebind(default(), booster.boost_params.model_copy(update=_CHANGES))


class _Plugin:
    """Declares the broker and watches what happens in the block; the plugins of the program are shared with it."""

    def __init__(self, eager: Eager) -> None:
        self._eager = eager

    @hookimpl
    def funboost_brokers(self) -> list[BrokerSpec]:
        spec: BrokerSpec = self._eager.environment.catalog.find("brokers", "MEMORY_QUEUE")
        return [BrokerSpec(KIND, spec.factory, spec.capabilities & ~Capability.OBJECTS, spec.options)]

    @hookimpl
    def funboost_after_publish(self, message: Message, task: Task) -> None:
        if task.environment is self._eager.environment:
            self._eager._published.append((task.queue_name, message.arguments))

    @hookimpl
    def funboost_after_execute(self, delivery: Delivery, task: Task, outcome: Outcome) -> None:
        if task.environment is self._eager.environment:
            run = Run(delivery.arguments, outcome.result, outcome.error, delivery.task_id)
            self._eager._runs.append((task.queue_name, run))
