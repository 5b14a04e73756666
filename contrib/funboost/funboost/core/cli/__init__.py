"""Documented import paths of the command line."""
