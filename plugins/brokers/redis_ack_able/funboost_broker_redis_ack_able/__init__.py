"""Broker REDIS_ACK_ABLE: a Redis list with acknowledgement."""
