"""One partition while it is this consumer's."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any

from confluent_kafka import TopicPartition

from funboost_core.ports.broker import Delivery
from funboost_core.ports.offsets import OffsetWindow


class Partition:
    """What was handed out of a partition, what waits to be, and what the server has been told.

    Beside the position a commit says, as its metadata, up to which offset messages were handed out.  Whoever gets the
    partition after a crash knows by that which of them are no first deliveries.
    """

    def __init__(self, topic: str, number: int, most: int, suspect: int) -> None:
        self.topic = topic
        self.number = number
        self.window = OffsetWindow(most)
        self.waiting: deque[Any] = deque()  # received, not handed out
        self.paused = False
        self.gone = False
        self.moved = 0.0  # since when the first of them has waited
        self._most = most
        self._suspect = suspect  # below it messages have been handed out before, by somebody who died
        self._position: int | None = None
        self._told: tuple[int | None, int] = (None, -1)
        self._telling: tuple[int | None, int] = (None, -1)

    @property
    def place(self) -> TopicPartition:
        """As the client names it."""
        return TopicPartition(self.topic, self.number)

    @property
    def wants(self) -> bool:
        """Whether it is paused and could go on."""
        return self.paused and not self.waiting and self.window.room * 2 >= self._most

    def take(self, message: Any) -> Delivery | None:
        """Hand a message out; None for one that was already."""
        offset: int = message.offset()
        delivery = Delivery(message.value() or b"", (self, offset), 0 if offset < self._suspect else 1)
        if not self.window.hand_out(offset, delivery):
            return None
        if self._position is None:
            self._position = offset
        return delivery

    def let_wait(self, message: Any) -> None:
        """Keep a message until the window has room, or somebody fetches."""
        if not self.waiting:
            self.moved = monotonic()
        self.waiting.append(message)

    def take_waiting(self, limit: int) -> list[Delivery]:
        """Hand out what waits, as far as the window has room."""
        taken: list[Delivery] = []
        while self.waiting and len(taken) < limit and self.window.room > 0:
            delivery = self.take(self.waiting.popleft())
            if delivery is not None:
                taken.append(delivery)
        if taken:
            self.moved = monotonic()
        return taken

    def news(self, last: bool = False) -> TopicPartition | None:
        """What is to be committed; None when the server knows.  `last`: it is given up in order, nobody has died."""
        position = self.window.advance()
        if position is not None:
            self._position = position
        if self._position is None:
            return None
        mark = max(self._position, self._suspect, 0 if last else self.window.handed_out + 1)
        self._telling = (self._position, mark)
        if self._telling == self._told:
            return None
        return TopicPartition(self.topic, self.number, self._position, metadata=str(mark))

    def confirm(self) -> None:
        """The server knows what `news` said last."""
        self.window.confirm()
        self._told = self._telling


def mark_of(committed: TopicPartition) -> int:
    """Up to which offset messages were handed out, by what somebody committed; 0 when nobody says so."""
    text = committed.metadata or ""
    return int(text) if text.isascii() and text.isdigit() else 0
