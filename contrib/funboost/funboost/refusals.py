"""What is refused where a task is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .constant import ConcurrentModeEnum

if TYPE_CHECKING:
    from funboost_core.environment import Environment

    from .params import BoosterParams

_DOCUMENTED_MODES = frozenset(value for name, value in vars(ConcurrentModeEnum).items() if name.isupper())


def refuse(params: BoosterParams, environment: Environment) -> None:
    """Refuse a concurrency mode that nobody has.

    Raises:
        UnknownKind: `concurrent_mode` is neither documented nor installed.
    """
    if params.concurrent_mode not in _DOCUMENTED_MODES:
        environment.catalog.find("pools", params.concurrent_mode)
