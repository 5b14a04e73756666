"""mosquitto, an MQTT server."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from .base import ANSWER, Service

_DEBIAN = "/usr/sbin/mosquitto"
_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"  # 3.1.1, a clean session, no credentials
_SUBSCRIBE = b"\x82\x18\x00\x01\x00\x13$SYS/broker/version\x00"


class Mosquitto(Service):
    """A server that speaks MQTT 3.1.1 and 5."""

    name = "mosquitto"
    variable = "FUNBOOST_TEST_MQTT_URL"
    executables = ("mosquitto",)
    package = "mosquitto"

    def executable(self) -> str:
        """Debian keeps it where only root's PATH goes."""
        return super().executable() or (_DEBIAN if Path(_DEBIAN).exists() else "")

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """It lets everybody in and keeps nothing on disk, unless a ``*.conf`` in `folder` / "more" says otherwise."""
        more = folder / "more"
        more.mkdir(exist_ok=True)
        lines = (
            f"listener {port} 127.0.0.1",
            "allow_anonymous true",
            f"persistence_location {folder}/",
            "user root",  # where root starts it, it would become a user who cannot read the folder
            f"include_dir {more}",
        )
        file = folder / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return [executable, "-c", str(file)]

    def url(self, port: int) -> str:
        """Host and port."""
        return f"mqtt://127.0.0.1:{port}"

    def version(self, url: str) -> str:
        """Asks with two packets of the protocol, so that no client library is needed."""
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 1883), ANSWER) as connection:
            connection.sendall(_CONNECT)
            answer = connection.recv(4)
            if len(answer) < 4 or answer[0] != 0x20:
                raise ConnectionError(f"no MQTT server answers at port {parts.port}: {answer!r}")
            if answer[3]:
                return f"mosquitto (it wants a password: {answer[3]})"
            connection.sendall(_SUBSCRIBE)
            text = b""
            while b"version " not in text[-40:] and len(text) < 200:
                more = connection.recv(200)
                if not more:
                    break
                text += more
        return "mosquitto " + text.rpartition(b"version ")[2].decode("ascii", "replace").strip()
