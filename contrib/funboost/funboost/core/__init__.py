"""Documented import paths: ``funboost.core.exceptions`` and others.  The things themselves live elsewhere."""
