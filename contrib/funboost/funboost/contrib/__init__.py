"""Documented helpers around the framework."""
