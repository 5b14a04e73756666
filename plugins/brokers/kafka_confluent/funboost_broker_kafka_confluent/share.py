"""What of a topic is ours: which partitions, what is finished in them, what the server knows of it; rebalances."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from funboost_core.native import Condition

from .errors import error_of
from .partition import Partition, mark_of

if TYPE_CHECKING:
    from logging import Logger

    from funboost_core.ports.broker import Delivery

    from .options import Options


class Share:
    """The partitions that the group has given us.  `lost` hears of messages that are not ours any more.

    `finish` and `held` may be called from any thread; all else by the one that polls.
    """

    def __init__(self, topic: str, options: Options, logger: Logger, lost: Any) -> None:
        self._topic = topic
        self._options = options
        self._logger = logger
        self._lost = lost
        self._consumer: Any = None
        self._changed = Condition()  # guards all of this:
        self._partitions: dict[int, Partition] = {}
        self._dirty = False  # there may be something to commit
        self._committing: list[Partition] = []  # what is on its way to the server
        self._revoking = False
        self._closing = False
        self._committed = monotonic()

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

    # -- rebalances: called by the client on the thread that polls -----------------------------------------------------

    def _on_assign(self, consumer: Any, places: list[Any]) -> None:
        if not places or self._closing:  # others of the group have come or gone, or we go
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


def _numbers(places: list[Any]) -> str:
    return ",".join(str(place.partition) for place in places)
