"""Documented import path of the effective configuration."""

from __future__ import annotations

from .configuration.classes import BrokerConnConfig, FunboostCommonConfig

__all__ = ["BrokerConnConfig", "FunboostCommonConfig"]
