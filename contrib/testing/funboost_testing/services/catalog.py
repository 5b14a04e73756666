"""Which kinds of servers there are, and which of them must run in CI."""

from __future__ import annotations

import os
from pathlib import Path

from .base import Service
from .kafka import Kafka
from .mosquitto import Mosquitto
from .rabbitmq import RabbitMQ
from .redis import Redis

LOCK = "services.lock"


def services() -> dict[str, Service]:
    """All kinds by name."""
    return {service.name: service for service in (Redis(), RabbitMQ(), Kafka(), Mosquitto())}


def find(name: str) -> Service:
    """The kind called `name`.

    Raises:
        LookupError: there is none; the text names those that there are.
    """
    known = services()
    if name not in known:
        raise LookupError(f"no service is called {name!r}; there are: {', '.join(known)}")
    return known[name]


def required(root: Path) -> set[str]:
    """The names in the file `services.lock` of `root`: what must run where CI is set; one a line, # for comments."""
    file = root / LOCK
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return {name for line in lines if (name := line.partition("#")[0].strip())}


def in_ci() -> bool:
    """Whether the environment says that this is a CI run."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}
