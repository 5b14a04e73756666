"""Broker REDIS_BRPOPLPUSH: a Redis list taken from its right end."""
