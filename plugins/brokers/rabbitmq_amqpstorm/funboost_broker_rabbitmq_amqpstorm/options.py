"""``broker_exclusive_config``."""

from __future__ import annotations

from funboost_rabbitmq.options import RabbitOptions


class Options(RabbitOptions):
    """How the queue is declared, and how it is consumed."""
