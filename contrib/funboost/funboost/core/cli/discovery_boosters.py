"""Documented import path of the discovery of tasks."""

from __future__ import annotations

from ...discovery import BoosterDiscovery

__all__ = ["BoosterDiscovery"]
