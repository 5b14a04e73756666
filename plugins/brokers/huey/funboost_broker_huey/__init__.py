"""Huey as a broker of funboost."""
