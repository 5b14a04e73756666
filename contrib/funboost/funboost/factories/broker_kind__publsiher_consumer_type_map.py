"""Documented import path of the brokers by kind; they are plugins, imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.environment import default

from ..overriding.kinds import register_custom_broker

if TYPE_CHECKING:
    from funboost_core.records import BrokerSpec

__all__ = ["regist_to_funboost", "register_custom_broker"]


def regist_to_funboost(broker_kind: str) -> BrokerSpec:
    """Load the plugin of a broker kind now, and return what it declares; a task does that by itself.

    Raises:
        UnknownKind: it is not installed; says what to install.
    """
    return default().catalog.find("brokers", broker_kind)  # type: ignore[no-any-return]
