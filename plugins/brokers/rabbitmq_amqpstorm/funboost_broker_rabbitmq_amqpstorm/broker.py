"""The broker: all of it the family's, over amqpstorm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funboost_rabbitmq.broker import EARLIER, RabbitBroker

from .frames import commands
from .wire import AmqpstormWire

if TYPE_CHECKING:
    from funboost_rabbitmq.address import Address


class AmqpstormBroker(RabbitBroker):
    """A RabbitMQ queue."""

    def make_wire(self, address: Address) -> AmqpstormWire:
        """See `RabbitBroker.make_wire`."""
        return AmqpstormWire(address, self.context.queue)

    def properties(self, priority: int, earlier: int) -> commands.Basic.Properties:
        """See `RabbitBroker.properties`."""
        headers: Any = {EARLIER: earlier} if earlier else None
        return commands.Basic.Properties(
            content_type="application/json", delivery_mode=2, priority=priority or None, headers=headers
        )
