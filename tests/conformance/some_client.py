"""Stands for a client library."""
