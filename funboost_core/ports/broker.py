"""What a broker plugin implements.  Write a `PullBroker` unless the client library insists on calling you (`push`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, Union

from ..message import priority_of

if TYPE_CHECKING:
    from logging import Logger

    from ..clock import Clock
    from ..environment import Environment
    from ..settings import Settings

Body = Union[bytes, "dict[str, Any]"]
"""What travels: JSON bytes, or the message dict itself on brokers with OBJECTS."""


class Outgoing:
    """One message on its way to a broker.

    `body` is the text (bytes) or, with OBJECTS, the dict; `priority` higher first, 0 for none; `due` the wall-clock
    time (epoch seconds) before which it must not be fetched, or None.
    """

    __slots__ = ("attempts", "body", "due", "message", "priority")

    message: Any  # the Message, for after-publish hooks; set only where there are any

    def __init__(self, body: Body, priority: int = 0, due: float | None = None, attempts: int = 0) -> None:
        self.body: Body = body
        self.priority: int = priority
        self.due: float | None = due
        self.attempts: int = attempts  # earlier deliveries that nobody settled, kept when a message is forwarded


class Delivery:
    """One message fetched from a broker.

    The broker fills in `body`, `tag` (its own handle: row id, receipt, offset; opaque to the core) and `attempts`:
    this delivery and the earlier ones that ended without being settled, because their consumer died.  1 is a first
    delivery, and what a broker says that cannot tell; 0 = not the first, but nobody has counted.  Being given back,
    forwarded, or still held when its consumer closes does not count.

    The core fills in the rest: `arguments` and `extra` once decoded, `plan` = the compiled steps of this message,
    `runs` = runs of the function so far.
    """

    __slots__ = ("arguments", "attempts", "body", "extra", "lost", "plan", "runs", "started", "tag")

    arguments: dict[str, Any]
    extra: dict[str, Any]
    lost: bool  # set only where the broker says so: `PullBroker.lost`, `Sink.lost`
    plan: Any
    runs: int
    started: float

    def __init__(self, body: Body | str, tag: Any = None, attempts: int = 1) -> None:
        self.body: Body | str = body
        self.tag: Any = tag
        self.attempts: int = attempts
        self.runs = 0

    @property
    def task_id(self) -> str:
        """The id given by the publisher."""
        return self.extra["task_id"]  # type: ignore[no-any-return]


class BrokerContext:
    """What a broker is built from.

    `queue` is the name with the namespace in front; `options` an instance of the spec's options model (None without
    one); `settings(name)` looks a connection setting up; `environment` gives the clock and the data folder.
    """

    def __init__(self, kind: str, queue: str, options: Any, environment: Environment, logger: Logger) -> None:
        self.kind = kind
        self.queue = queue
        self.options = options
        self.environment = environment
        self.settings: Settings = environment.settings
        self.clock: Clock = environment.clock
        self.logger = logger


class Broker(ABC):
    """What all brokers share.  One object serves one queue of one process and is made lazily.

    The publisher of a queue and each consumer of it have an object of their own; a forked process makes new ones, and
    never touches those of its parent.  `publish`, `count`, `purge` may be called from several threads at once, also
    while the object consumes; `open` is called once before anything else in the process that uses it, `close` once at
    the end.

    What is raised: `ConfigError` for what only a change of the settings mends, `BrokerUnavailable` for what may pass,
    `BrokerError` for a message that the server will never take; each says what to do and shows no password
    (`funboost_core.settings.hide`).  Publishers are told; consumers wait and try again for ever.
    """

    def __init__(self, context: BrokerContext) -> None:
        self.context = context

    def open(self) -> None:
        """Connect.  What it raises is raised by the first `push`, and by `consume()`, which is not tried again.

        Raise `ConfigError` for settings that can never work, a refused password among them.  A broker whose server may be
        away when its consumers start says nothing here, connects later, and lets `publish`, `fetch` and `run` raise
        `BrokerUnavailable`.
        """

    def close(self) -> None:
        """Release everything; what was fetched and not acknowledged goes back to the queue, `attempts` as they were."""

    @abstractmethod
    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish a batch; the messages are safe, in this order, when it returns.

        *Safe* is what the broker promises: stored where it is PERSISTENT; handed to somebody where nothing is stored, and
        an error when there is nobody.  It may wait for that, for a time that is an option of the broker.  When it raises,
        a part of the batch may have been published; nobody but the caller repeats it.
        """

    def count(self) -> int:
        """Messages that wait to be fetched (COUNT)."""
        return -1

    def purge(self) -> None:
        """Remove the messages that wait (PURGE)."""
        raise NotImplementedError(f"{self.context.kind} declares no PURGE")


class SettlingBroker(Broker):
    """What pull and push brokers share: how the core settles what it was given."""

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these messages for good.  Acknowledging one twice, or one that was given away, does nothing."""

    def requeue(self, deliveries: Sequence[Delivery]) -> None:
        """Give messages back, unchanged, for any consumer to fetch again (REQUEUE).

        `attempts` does not grow: they were not run, or the task itself asked for another turn.
        """
        bodies = [d.body if not isinstance(d.body, str) else d.body.encode() for d in deliveries]
        self.publish([Outgoing(body, priority_of(body)) for body in bodies])
        self.ack(deliveries)

    def forward(self, delivery: Delivery, message: Outgoing, queue: str) -> None:
        """Publish `message` to `queue` (this one or another of the same server) and ack (SECOND_QUEUE).

        In one step where the server can; else in this order, so that a crash in between makes two of it, never none.
        """
        raise NotImplementedError(f"{self.context.kind} declares no SECOND_QUEUE")

    def maintain(self) -> None:
        """Called every beat (seconds) from the maintenance thread: renew leases, return what the dead held."""


class PullBroker(SettlingBroker):
    """A broker that is asked for messages.

    Example: the tutorial "write a broker in 60 lines" (docs/en/write-a-broker.md).
    """

    dropping: Callable[[Sequence[Delivery]], None] | None = None
    """Set by the core: takes away those that have not started."""

    fetch_looks: bool = False
    """Set it where a `fetch` that may wait finds at once all that is there: then no `turn` is made before it in vain."""

    def listen(self) -> None:
        """Become a consumer: called once before the first `fetch`, on a thread that may fetch (register, subscribe)."""

    @abstractmethod
    def fetch(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Return up to `limit` messages; when there are none wait at most `timeout` seconds; () when none came.

        Called by one thread at a time, not always the same.  `wake` ends the waiting early.
        """

    def turn(self, done: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
        """Acknowledge `done` and fetch what is there without waiting; override where one round trip does both."""
        return self.wait(done, limit, 0)

    def wait(self, done: Sequence[Delivery], limit: int, timeout: float) -> Sequence[Delivery]:
        """Acknowledge `done`, at once, and `fetch`; override where one round trip does both."""
        if done:
            self.ack(done)
        return self.fetch(limit, timeout)

    def wake(self) -> None:
        """Make a waiting `fetch` return soon; called from other threads."""

    def lost(self, deliveries: Sequence[Delivery]) -> None:
        """For the broker to call, on any thread: these are not ours any more, and will be delivered again (rebalance).

        What has not started is dropped.  What runs goes on, but its settlement is discarded: by the broker, whose `ack`,
        `requeue` and `forward` do nothing for them, and by the core, which does not park them.
        """
        for delivery in deliveries:
            delivery.lost = True
        if self.dropping is not None:
            self.dropping(deliveries)

    def idle(self, timeout: float) -> None:
        """Keep the connection alive for about `timeout` seconds while nothing is fetched (NEEDS_IDLE)."""
