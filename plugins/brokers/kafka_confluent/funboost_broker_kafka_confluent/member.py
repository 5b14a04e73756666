"""One consumer of a group: receives, hands out, commits, and gives partitions up in good order.

The client hands messages over, and calls us about commits and rebalances, only while somebody polls.  Whoever fetches
does; a thread of our own, the keeper, does it when nobody has fetched for a while (all are busy, or the gate is shut), so
that the group never takes us for dead, however long tasks run.  Whoever polls also commits, one commit at a time and without
waiting for it, so that acknowledging costs no round trip.  Nobody else calls the client: a commit from a thread beside the
one that polls waits until that one pauses, which may be never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from funboost_core.native import Condition, Lock, Thread

from .errors import error_of, explain
from .link import SHARED, Complaints
from .partition import Partition, mark_of

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
PROBE = 10.0
"""Seconds without a message after which the server is asked whether it is there."""
_HARMLESS = {KafkaError._PARTITION_EOF, KafkaError._MAX_POLL_EXCEEDED, KafkaError._ALL_BROKERS_DOWN}


class Member:
    """Raises what `errors.explain` makes of the client's errors.  `lost` hears of messages that are not ours any more."""

    def __init__(self, servers: str, topic: str, options: Options, logger: Logger, lost: Any) -> None:
        self._servers = servers
        self._topic = topic
        self._options = options
        self._logger = logger
        self._lost = lost
        self._complaints = Complaints()
        self._polling = Lock()  # who has it may call the client, and is called back
        self._changed = Condition()  # guards all of this:
        self._partitions: dict[int, Partition] = {}
        self._dirty = False  # there may be something to commit
        self._committing: list[Partition] = []  # what is on its way to the server
        self._woken = False
        self._revoking = False
        self._closing = False
        self._failure: KafkaError | None = None
        self._polled = self._heard = self._committed = monotonic()
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
            self._consumer: Any = Consumer(config)
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
                    messages += consume(limit - 1, 0)
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

    # -- acknowledging ----------------------------------------------------------------------------------------------

    def finish(self, deliveries: Iterable[Delivery]) -> None:
        """These are done with; the positions that this makes are committed soon, or at the end."""
        with self._changed:
            for delivery in deliveries:
                partition, offset = delivery.tag
                if not partition.gone:
                    partition.window.finish(offset)
            self._dirty = True
            if self._revoking:
                self._changed.notify_all()

    def held(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Those among them that are still ours to settle."""
        with self._changed:
            return [d for d in deliveries if not d.tag[0].gone and d.tag[0].window.holds(d.tag[1])]

    def _news(self, partitions: Iterable[Partition], last: bool = False) -> list[tuple[Partition, Any]]:
        with self._changed:
            return [(each, place) for each in partitions if (place := each.news(last)) is not None]

    def _commit(self) -> None:
        """Begin to commit what there is to say, unless the last commit is still on its way."""
        if not self._dirty or self._committing:
            return
        self._dirty = False
        self._committed = monotonic()
        chosen = self._news(self._partitions.values())
        if chosen:
            self._committing = [partition for partition, _ in chosen]
            try:
                self._consumer.commit(offsets=[place for _, place in chosen], asynchronous=True)
            except KafkaException as error:
                self._on_commit(error_of(error), [])

    def _on_commit(self, error: KafkaError | None, places: list[Any]) -> None:
        """Called by the client, on the thread that polls."""
        partitions, self._committing = self._committing, []
        failed = {place.partition: place.error for place in places if place.error is not None}
        self._confirm(partitions, error, failed)

    def _commit_now(self, partitions: Iterable[Partition], last: bool = False) -> None:
        """Commit and wait for it: before slow tasks run, so that whoever gets the partition after a crash knows that they
        had begun; and what we give up (`last`).
        """
        self._committed = monotonic()
        chosen = self._news(partitions, last)
        if not chosen:
            return
        failed, failure = {}, None
        try:
            answers = self._consumer.commit(offsets=[place for _, place in chosen], asynchronous=False)
            failed = {answer.partition: answer.error for answer in answers if answer.error is not None}
        except KafkaException as error:
            failure = error_of(error)
        self._confirm([partition for partition, _ in chosen], failure, failed)

    def _confirm(self, partitions: list[Partition], error: KafkaError | None, failed: dict[int, KafkaError]) -> None:
        with self._changed:
            for partition in partitions:
                if error is None and partition.number not in failed:
                    partition.confirm()
        problem = error or next(iter(failed.values()), None)
        if problem is not None:
            self._dirty = True
            self._logger.info("%s: not committed, trying again: %s", self._topic, problem.str())

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

    # -- rebalances: called by the client on the thread that polls -----------------------------------------------------

    def _on_assign(self, consumer: Any, places: list[Any]) -> None:
        if not places:  # others of the group have come or gone
            return
        try:
            marks = {place.partition: mark_of(place) for place in consumer.committed(places, timeout=5)}
        except KafkaException as error:
            marks = {}
            self._logger.warning("%s: deliveries before a crash are not counted: %s", self._topic, error)
        with self._changed:
            for place in places:
                number = place.partition
                self._partitions[number] = Partition(
                    self._topic, number, self._options.max_unacked, marks.get(number, 0)
                )
        self._logger.info("%s: partitions %s are ours", self._topic, _numbers(places))

    def _on_revoke(self, consumer: Any, places: list[Any]) -> None:
        """What runs gets a moment to end: nobody else works on these partitions until we let them go."""
        with self._changed:
            going = [self._partitions[place.partition] for place in places if place.partition in self._partitions]
            self._revoking = True
            deadline = monotonic() + self._options.rebalance_wait
            while not self._closing and any(partition.window.unfinished for partition in going):
                left = deadline - monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            self._revoking = False
        self._commit_now(going, last=True)
        self._give_up(going, places, "given up")

    def _on_lost(self, consumer: Any, places: list[Any]) -> None:
        with self._changed:
            going = [self._partitions[place.partition] for place in places if place.partition in self._partitions]
        self._give_up(going, places, "lost")

    def _give_up(self, going: list[Partition], places: list[Any], how: str) -> None:
        with self._changed:
            unfinished = [delivery for partition in going for delivery in partition.window.unfinished]
            for partition in going:
                partition.gone = True
                del self._partitions[partition.number]
        self._logger.info("%s: partitions %s are %s", self._topic, _numbers(places), how)
        if unfinished:
            self._logger.warning("%s: %d messages that had begun here go to others", self._topic, len(unfinished))
            self._lost(unfinished)

    # -- the end ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Commit what is done and leave the group; the rest goes to the others."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._keeper.join()
        with self._polling:
            self._consumer.close()


def _numbers(places: list[Any]) -> str:
    return ",".join(str(place.partition) for place in places)
