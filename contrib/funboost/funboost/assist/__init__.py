"""Helpers for brokers that are frameworks of their own."""
