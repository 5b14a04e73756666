"""nats-server, which speaks the protocol of NATS."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

from .base import ANSWER, Service

_DEBIAN = "/usr/sbin/nats-server"


class Nats(Service):
    """Core NATS: subjects and queue groups; `options` of `start` may add ``--user``, ``--config`` and others."""

    name = "nats"
    variable = "FUNBOOST_TEST_NATS_URL"
    executables = ("nats-server",)
    package = "nats-server"

    def executable(self) -> str:
        """Debian keeps it where only root's PATH goes."""
        return super().executable() or (_DEBIAN if Path(_DEBIAN).exists() else "")

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """It lets everybody in."""
        return [executable, "--addr", "127.0.0.1", "--port", str(port), "--log", str(folder / "nats.log")]

    def url(self, port: int) -> str:
        """Host and port."""
        return f"nats://127.0.0.1:{port}"

    def version(self, url: str) -> str:
        """A server introduces itself to whoever connects, before it asks for a password."""
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 4222), ANSWER) as connection:
            line = connection.makefile("rb").readline()
        if not line.startswith(b"INFO "):
            raise ConnectionError(f"no NATS server answers at port {parts.port}: {line[:50]!r}")
        return f"nats-server {json.loads(line[5:])['version']}"
