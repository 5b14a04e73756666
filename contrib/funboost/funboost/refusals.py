"""Documented parameters that this version cannot honour yet: refused by name, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.checks import refuse_missing
from funboost_core.errors import NotAvailableYet

from .constant import ConcurrentModeEnum

if TYPE_CHECKING:
    from funboost_core.environment import Environment

    from .params import BoosterParams

_NOT_YET = frozenset(
    {
        "log_filename",
        "logger_name",
    }
)
_DOCUMENTED_MODES = frozenset(value for name, value in vars(ConcurrentModeEnum).items() if name.isupper())


def refuse(params: BoosterParams, environment: Environment) -> None:
    """Raise `NotAvailableYet` for a parameter that is set to something that would have an effect.

    Raises:
        UnknownKind: `concurrent_mode` is neither documented nor installed.
    """
    queue = params.queue_name
    refuse_missing(params, queue, _NOT_YET)
    # BoosterParams(**others.dict()) sets everything, which says nothing about log files
    said = params.model_fields_set
    if params.create_logger_file and "create_logger_file" in said and len(said) < len(type(params).model_fields):
        raise NotAvailableYet(name="create_logger_file", value=True, queue=queue)
    if params.concurrent_mode not in _DOCUMENTED_MODES:
        environment.catalog.find("pools", params.concurrent_mode)
