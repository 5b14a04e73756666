"""Broker REDIS: a Redis list without acknowledgement."""
