"""Concurrency mode "single_thread": one message after the other."""
