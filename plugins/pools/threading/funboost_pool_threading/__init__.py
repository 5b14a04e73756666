"""Concurrency mode "threading": each run on a thread of its own, up to a hard limit."""
