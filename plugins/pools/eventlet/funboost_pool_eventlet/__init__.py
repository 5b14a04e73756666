"""Concurrency mode "eventlet": greenlets on a hub."""
