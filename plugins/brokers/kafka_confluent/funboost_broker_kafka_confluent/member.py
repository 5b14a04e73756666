"""One consumer of a group: receives, hands out, commits, and gives partitions up in good order.

The client hands messages over, and calls us about commits and rebalances, only while somebody polls.  Whoever fetches
does; a thread of our own, the keeper, does it when nobody has fetched for a while (all are busy, or the gate is shut), so
that the group never takes us for dead, however long tasks run.  Whoever polls also commits, one commit at a time and without
waiting for it, so that acknowledging costs no round trip.  Nobody else calls the client: a commit from a thread beside the
one that polls waits until that one pauses, which may be never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from funboost_core.native import RLock, Thread

from .errors import explain
from .leaving import Gate
from .link import SHARED, Complaints
from .partition import Partition
from .share import Share

if TYPE_CHECKING:
    from logging import Logger

    from funboost_core.ports.broker import Delivery

    from .options import Options

SLICE = 0.1
"""Seconds of one poll; what has to wake a fetch, or is to be committed, waits so long."""
FULL = 0.005
"""The same while a window is full and the next commit may make room."""
STUCK = 0.2
"""Seconds after which a full window is one behind a slow task.  Its partition is paused then, and not before: the client
forgets what it has fetched of a paused partition, and fetches it again half a second later.
"""
KEEP = 0.25
"""Seconds without a fetch after which the keeper polls."""
HELD = 100
"""Messages that the keeper receives before it pauses all partitions."""
MARK = 0.05
"""Seconds since the last commit from which on a commit comes before the function: slow tasks, which can afford it."""
ANSWERS = 1000
"""Most messages that are received and let go before the client is closed."""
PROBE = 10.0
"""Seconds without a message after which the server is asked whether it is there."""
_HARMLESS = {KafkaError._PARTITION_EOF, KafkaError._MAX_POLL_EXCEEDED, KafkaError._ALL_BROKERS_DOWN}


class Member(Share):
    """Raises what `errors.explain` makes of the client's errors."""

    def __init__(self, servers: str, topic: str, options: Options, logger: Logger, lost: Any) -> None:
        super().__init__(topic, options, logger, lost)
        self._servers = servers
        self._complaints = Complaints()
        self._polling = RLock()  # who has it may call the client, and is called back
        self._woken = False
        self._failure: KafkaError | None = None
        self._polled = self._heard = self._committed
        config = {
            **SHARED,
            "partition.assignment.strategy": "cooperative-sticky",
            **options.consumer_config,
            "bootstrap.servers": servers,
            "group.id": options.group_id,
            "auto.offset.reset": options.auto_offset_reset,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "error_cb": self._complaints,
            "on_commit": self._on_commit,
        }
        if config.get("group.protocol") == "consumer":  # there the server assigns
            config.pop("partition.assignment.strategy", None)
        try:
            self._gate = Gate(self._polling)
            self._consumer = Consumer(config)
            self._consumer.subscribe(
                [topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        except KafkaException as error:
            raise explain(error, servers) from error
        self._keeper = Thread(target=self._keep, name=f"funboost-{topic}-keeper", daemon=True)
        self._keeper.start()

    # -- fetching ---------------------------------------------------------------------------------------------------

    def fetch(self, limit: int, timeout: float) -> list[Delivery]:
        """Up to `limit` messages, waiting at most `timeout` seconds for the first."""
        deadline = monotonic() + timeout
        while True:
            left = deadline - monotonic()
            with self._polling:
                if self._closing:
                    return []
                got = self._receive(limit, max(0.0, min(SLICE, left)))
            if got or self._woken or left <= 0:
                if timeout:
                    self._woken = False
                return got

    def wake(self) -> None:
        """End a fetch that waits."""
        self._woken = True

    def _receive(self, limit: int, wait: float) -> list[Delivery]:
        self._polled = monotonic()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise explain(failure, self._servers, f"{self._topic}: ")
        self._commit()
        with self._changed:
            got: list[Delivery] = []
            for partition in tuple(self._partitions.values()):
                got += partition.take_waiting(limit - len(got))
            self._dirty = self._dirty or bool(got)
            self._resume()
            full = [partition for partition in self._partitions.values() if partition.waiting and not partition.paused]
            self._pause([partition for partition in full if self._polled - partition.moved > STUCK])
        if not got:
            got = self._hand_out(self._poll(1, min(wait, FULL)) if full else self._poll(limit, wait))
        if got and self._polled - self._committed > MARK and not self._committing:
            self._commit_now(self._partitions.values())
        if not got:
            self._probe()
        return got

    def _poll(self, limit: int, wait: float) -> Sequence[Any]:
        consume = self._consumer.consume
        try:
            messages: list[Any] = consume(limit, 0)
            if not messages and wait:  # for one: with more, the client waits until it has them all
                messages = consume(1, wait)
                if messages and limit > 1:
                    number = messages[0].partition()
                    its = self._partitions.get(number)
                    more = consume(limit - 1, 0)
                    if self._partitions.get(number) is not its:  # a rebalance: it has gone, and perhaps come again
                        messages = []
                    messages += more
        except KafkaException as error:
            raise explain(error, self._servers, f"{self._topic}: ") from error
        if messages:
            self._heard = self._polled
        return messages

    def _hand_out(self, messages: Iterable[Any]) -> list[Delivery]:
        taken: list[Delivery] = []
        with self._changed:
            partitions = self._partitions
            for message in messages:
                if message.error() is not None:
                    self._note(message.error())
                    continue
                partition = partitions.get(message.partition())
                if partition is None:  # a rebalance came between: it belongs to another consumer
                    continue
                if partition.waiting or partition.window.room <= 0:
                    partition.let_wait(message)
                    continue
                delivery = partition.take(message)
                if delivery is not None:
                    taken.append(delivery)
            self._dirty = self._dirty or bool(taken)
        return taken

    def _note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._MAX_POLL_EXCEEDED:
            self._logger.warning("%s: %s", self._topic, error.str())
        if error.code() not in _HARMLESS:
            self._failure = error

    def _probe(self) -> None:
        """Ask the server whether it is there, where there is a doubt: the client itself waits for ever in silence."""
        if self._complaints.last is None and self._polled - self._heard < PROBE:
            return
        try:
            self._consumer.list_topics(self._topic, timeout=2.0)
        except KafkaException as error:
            raise explain(self._complaints.instead_of(error), self._servers, f"{self._topic}: ") from error
        self._complaints.last = None
        self._heard = monotonic()

    def _pause(self, partitions: Iterable[Partition]) -> None:
        chosen = [partition for partition in partitions if not partition.paused]
        for partition in chosen:
            partition.paused = True
        self._switch(self._consumer.pause, chosen)

    def _resume(self) -> None:
        chosen = [partition for partition in self._partitions.values() if partition.wants]
        for partition in chosen:
            partition.paused = False
        self._switch(self._consumer.resume, chosen)

    def _switch(self, how: Any, partitions: list[Partition]) -> None:
        if partitions:
            try:
                how([partition.place for partition in partitions])
            except KafkaException as error:  # not ours any more: a callback will say so
                self._logger.debug("%s: %s", self._topic, error)

    # -- the keeper -------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        while True:
            with self._changed:
                if not self._closing:
                    self._changed.wait(KEEP)
                if self._closing:
                    return
            if monotonic() - self._polled >= KEEP:
                try:
                    self._look()
                except Exception as error:
                    self._logger.warning("%s: %s: %s", self._topic, type(error).__name__, error)

    def _look(self) -> None:
        """Poll, because nobody else does."""
        if not self._polling.acquire(blocking=False):
            return
        try:
            self._polled = monotonic()
            self._commit()
            message = self._consumer.poll(0)
            with self._changed:
                if message is not None and message.error() is not None:
                    self._note(message.error())
                elif message is not None and message.partition() in self._partitions:
                    self._partitions[message.partition()].let_wait(message)
                if sum(len(partition.waiting) for partition in self._partitions.values()) >= HELD:
                    self._pause(self._partitions.values())
        finally:
            self._polling.release()

    # -- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Commit what is done and leave the group; the rest goes to the others."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._keeper.join()
        with self._polling:
            with suppress(KafkaException):
                self._answer()
            self._consumer.close()

    def _answer(self) -> None:
        """Answer what the group asks just now: unanswered, it hangs the client's `close`, which holds the interpreter.

        That is librdkafka's issues 4041 and 4884.  Messages that come with it are not done, so others get them.
        """
        for _ in range(ANSWERS):
            if self._consumer.poll(0) is None:
                return
