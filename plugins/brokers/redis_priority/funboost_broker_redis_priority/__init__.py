"""Broker REDIS_PRIORITY: Redis lists with priorities."""
