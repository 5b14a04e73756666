"""Broker REDIS_PUBSUB: a Redis channel, heard by all."""
