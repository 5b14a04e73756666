"""The broker: all of it the family's, over pika."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_rabbitmq.broker import EARLIER, RabbitBroker
from pika import BasicProperties

from .wire import PikaWire

if TYPE_CHECKING:
    from funboost_rabbitmq.address import Address


class PikaBroker(RabbitBroker):
    """A RabbitMQ queue."""

    def make_wire(self, address: Address) -> PikaWire:
        """See `RabbitBroker.make_wire`."""
        return PikaWire(address, self.context.queue)

    def properties(self, priority: int, earlier: int) -> BasicProperties:
        """See `RabbitBroker.properties`."""
        headers = {EARLIER: earlier} if earlier else None
        return BasicProperties(
            content_type="application/json", delivery_mode=2, priority=priority or None, headers=headers
        )
