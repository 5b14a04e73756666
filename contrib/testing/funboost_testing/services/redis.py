"""redis-server or valkey-server."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from .base import ANSWER, Service


class Redis(Service):
    """Redis, or a server that speaks its protocol."""

    name = "redis"
    variable = "FUNBOOST_TEST_REDIS_URL"
    executables: ClassVar[tuple[str, ...]] = ("redis-server", "valkey-server")
    package = "redis-server"
    databases = 64

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """Nothing is kept unless ``--appendonly yes`` is among the options."""
        where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        return [executable, *where, "--save", "", "--appendonly", "no", "--databases", str(self.databases)]

    def url(self, port: int) -> str:
        """Without a database: tests choose their own."""
        return f"redis://127.0.0.1:{port}"

    def version(self, url: str) -> str:
        """Asks with two lines of the protocol, so that no client library is needed."""
        try:
            answer = self._ask(url, "INFO server\r\nPING", b"+PONG\r\n")  # INFO answers also while it loads its data
        except PermissionError as error:  # it is there
            return f"redis ({error})"
        lines = dict(line.partition(":")[::2] for line in answer.decode().splitlines() if ":" in line)
        product = "valkey" if "valkey_version" in lines else "redis"
        return f"{product} {lines.get(f'{product}_version', '?')}"

    def ask(self, url: str, command: str) -> str:
        """The answer to one line, as it is in the protocol."""
        return self._ask(url, f"{command}\r\nPING", b"+PONG\r\n").decode(errors="replace").rpartition("+PONG")[0]

    def flush(self, url: str) -> None:
        """Empty the database that `url` names."""
        self._ask(url, f"SELECT {urlsplit(url).path[1:] or 0}\r\nFLUSHDB", b"+OK\r\n+OK\r\n")

    def _ask(self, url: str, command: str, expected: bytes) -> bytes:
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), ANSWER) as connection:
            answer = b""
            if parts.password:
                user = f"{unquote(parts.username)} " if parts.username else ""
                connection.sendall(f"AUTH {user}{unquote(parts.password)}\r\n".encode())
                answer = connection.recv(4096)
            connection.sendall(f"{command}\r\n".encode())
            while expected not in answer:
                more = connection.recv(4096)
                if b"-NOAUTH" in more:
                    raise PermissionError("it wants a password")
                if not more or b"-LOADING" in more:
                    raise ConnectionError(f"no Redis answers at port {parts.port}: {(answer + more)[:80]!r}")
                answer += more
        return answer
