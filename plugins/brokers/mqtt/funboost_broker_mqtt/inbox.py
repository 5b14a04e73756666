"""What has come and has no credit yet; outlives the connection."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from funboost_core.native import Condition
from funboost_core.ports.broker import Delivery

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage

    from funboost_core.ports.push import Sink

MOST = 1000
"""Messages with QoS 0 that may wait: the server sends these without asking whether there is room."""
REMEMBERED = 0x8000
"""Numbers of messages that were handed on; half of all, so that a server that counts on has not come round to them."""


class Reply:
    """Where the sender wants the answer (MQTT 5: response topic and correlation data): the tag of a delivery."""

    __slots__ = ("correlation", "topic")

    def __init__(self, topic: str, correlation: bytes | None) -> None:
        self.topic = topic
        self.correlation = correlation


class Inbox:
    """Takes what the client calls us with and hands it on in order; acknowledges what it has handed on.

    The server sends no more than its window has room for unacknowledged ones, so what waits here is bounded by that.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: deque[tuple[Delivery, int]] = deque()
        self._handed: dict[int, int] = {}  # the number of a message and the hash of its body, in order
        self.dropped = 0

    def receive(self, message: MQTTMessage, sink: Sink) -> int:
        """A message has come; its number if it is to be acknowledged now, else 0."""
        topic = getattr(message.properties, "ResponseTopic", "")
        reply = Reply(topic, getattr(message.properties, "CorrelationData", None)) if topic else None
        delivery, mid = Delivery(bytes(message.payload), reply), message.mid
        with self._changed:
            if not message.qos:
                mid = 0
                if len(self._waiting) >= MOST:
                    self.dropped += 1
                    return 0
            elif not message.dup:  # the number is used anew: the server has heard of the last one's acknowledgement
                self._handed.pop(mid, None)
            elif self._handed.get(mid) == hash(delivery.body):
                return mid  # it has not heard of it; another body: it has, and what it sent with that number since was cut off
            elif any(other == mid for _, other in self._waiting):
                return 0
            if not self._waiting and sink.credit() and sink.put(delivery):
                self._remember(delivery, mid)
                return mid
            self._waiting.append((delivery, mid))
            self._changed.notify_all()
        return 0

    def wait(self, seconds: float) -> bool:
        """Whether something waits for credit, waiting at most so long for it."""
        with self._changed:
            return bool(self._waiting or (self._changed.wait(seconds) and self._waiting))

    def hand_on(self, sink: Sink) -> int:
        """Put the first that waits; its number if it is to be acknowledged now, else 0."""
        with self._changed:
            if not self._waiting or not sink.put(self._waiting[0][0]):
                return 0
            return self._taken()[1]

    def take(self) -> list[tuple[Delivery, int]]:
        """All that waits, with their numbers."""
        with self._changed:
            return [self._taken() for _ in range(len(self._waiting))]

    def _taken(self) -> tuple[Delivery, int]:
        delivery, mid = self._waiting.popleft()
        self._remember(delivery, mid)
        return delivery, mid

    def _remember(self, delivery: Delivery, mid: int) -> None:
        self._handed.pop(mid, None)
        self._handed[mid] = hash(delivery.body)
        if len(self._handed) > REMEMBERED:
            del self._handed[next(iter(self._handed))]

    def forget(self) -> None:
        """A new session: its numbers are new; what waits stays and is acknowledged to nobody."""
        with self._changed:
            self._waiting = deque((delivery, 0) for delivery, _ in self._waiting)
            self._handed.clear()

    def wake(self) -> None:
        """End a `wait`."""
        with self._changed:
            self._changed.notify_all()
