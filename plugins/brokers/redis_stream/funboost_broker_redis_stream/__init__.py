"""Broker REDIS_STREAM: a Redis stream and its consumer group."""
