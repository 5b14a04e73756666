"""Which kinds of servers there are, and which of them must run in CI."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Service

LOCK = "services.lock"
_CLASSES = {
    "redis": "Redis",
    "valkey": "Valkey",
    "rabbitmq": "RabbitMQ",
    "kafka": "Kafka",
    "mosquitto": "Mosquitto",
    "nats": "Nats",
    "sshd": "Sshd",
}
"""Module here -> the class in it, which is imported when it is asked for."""


def services() -> dict[str, Service]:
    """All kinds by name."""
    return {name: find(name) for name in _CLASSES}


def find(name: str) -> Service:
    """The kind called `name`.

    Raises:
        LookupError: there is none; the text names those that there are.
    """
    if name not in _CLASSES:
        raise LookupError(f"no service is called {name!r}; there are: {', '.join(_CLASSES)}")
    service: Service = getattr(import_module(f".{name}", __package__), _CLASSES[name])()
    return service


def required(root: Path) -> set[str]:
    """The names in the file `services.lock` of `root`: what must run where CI is set; one a line, # for comments."""
    file = root / LOCK
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return {name for line in lines if (name := line.partition("#")[0].strip())}


def in_ci() -> bool:
    """Whether the environment says that this is a CI run."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}
