"""Broker REDIS_ACK_TIMEOUT: a Redis list; what is not acknowledged within a time comes back."""
