"""Logs that are acknowledged by a position: which position may be told while messages are finished in any order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .broker import Delivery

MOST = 1000
"""Messages that a crash may repeat, unless the user says otherwise."""


class OffsetWindow:
    """One partition of a log, as one consumer sees it (OFFSET_ACK): what was handed out, and how far all is finished.

    A position says "everything before this offset is done", so only what is finished without a gap is told to the
    server; what is finished beyond the first unfinished message is repeated by a crash.  `most` bounds how much that
    can be: while `room` is 0 the broker hands out nothing more of this partition (and pauses it).

    Offsets grow, but may have gaps (compaction, transactions).  Nothing here is locked: the broker does that.

    Example::

        window = OffsetWindow(most=1000)
        for delivery in fetched:
            window.hand_out(delivery.tag, delivery)
        window.finish(8)
        assert window.advance() is None  # 7 is not finished
        window.finish(7)
        assert window.advance() == 9  # commit this, then:
        window.confirm()
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._order: deque[int] = deque()  # handed out, oldest first, from the position that was told on
        self._open: dict[int, Delivery] = {}  # of them, not finished
        self._telling = 0  # how many of the oldest the position covers that is being told
        self.handed_out: int = -1
        """The highest offset that was handed out, -1 for none."""

    @property
    def room(self) -> int:
        """How many more messages may be handed out."""
        return self._most - len(self._order)

    @property
    def unfinished(self) -> list[Delivery]:
        """What is handed out and not finished."""
        return list(self._open.values())

    def hand_out(self, offset: int, delivery: Delivery) -> bool:
        """Note that a message is on its way; False when it was already, and must not be handed out again."""
        if offset <= self.handed_out:
            return False
        self.handed_out = offset
        self._order.append(offset)
        self._open[offset] = delivery
        return True

    def holds(self, offset: int) -> bool:
        """Whether a message is handed out and not finished."""
        return offset in self._open

    def finish(self, offset: int) -> bool:
        """Note that a message is done with; False when it was not held (any more)."""
        return self._open.pop(offset, None) is not None

    def advance(self) -> int | None:
        """The position to tell now, the offset after the last that is finished without a gap; None when it is known.

        Call `confirm` once the server has it; until then they count as what a crash repeats.
        """
        order, still_open, told = self._order, self._open, self._telling
        while told < len(order) and order[told] not in still_open:
            told += 1
        self._telling = told
        return order[told - 1] + 1 if told else None

    def confirm(self) -> None:
        """The server knows the position that `advance` returned last."""
        for _ in range(self._telling):
            self._order.popleft()
        self._telling = 0
