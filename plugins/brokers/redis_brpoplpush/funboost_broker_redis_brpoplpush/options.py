"""``broker_exclusive_config``."""

from __future__ import annotations

from funboost_store_redis.brokers.options import OwnerOptions


class Options(OwnerOptions):
    """Batch size, server, lease."""
