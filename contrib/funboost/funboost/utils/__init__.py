"""Documented helpers that have nothing to do with queues."""
