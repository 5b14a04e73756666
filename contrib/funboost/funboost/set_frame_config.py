"""Changing settings from a script, where one configuration file is not enough."""

from __future__ import annotations

from typing import Any

from funboost_core.environment import default

from . import aliases


def patch_frame_config(**settings: Any) -> None:
    """Set settings by their documented names, above environment variables and `funboost_config.py`.

    Call it before the first task is used: what is connected stays connected.

    Example::

        patch_frame_config(REDIS_HOST="192.168.0.2", REDIS_PASSWORD=os.environ["PASSWORD_OF_B"])
    """
    default().settings.values.update((aliases.SETTINGS.get(name, name), value) for name, value in settings.items())


def show_frame_config() -> None:
    """Print the effective settings and where each comes from, secrets hidden."""
    for name, (value, origin) in default().settings.effective().items():
        print(f"{name} = {value!r}  ({origin})")  # noqa: T201
