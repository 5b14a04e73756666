"""Concurrency mode "gevent": greenlets on a hub."""
