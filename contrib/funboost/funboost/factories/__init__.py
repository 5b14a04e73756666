"""Documented import paths of what makes consumers and publishers."""
