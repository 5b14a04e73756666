"""Documented import path of the decorator."""

from __future__ import annotations

from ..booster import Booster, boost, task_deco

__all__ = ["Booster", "boost", "task_deco"]
