"""rabbitmq-server."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from funboost_core.native import sleep

from .base import ANSWER, PATIENCE, Service, free_port

if TYPE_CHECKING:
    from .base import Server

_BIN = Path("/usr/lib/rabbitmq/bin")
"""Debian's own: the scripts in the search path insist on the user rabbitmq and on /var/lib."""


class RabbitMQ(Service):
    """RabbitMQ, with no plugin enabled and the user guest."""

    name = "rabbitmq"
    variable = "FUNBOOST_TEST_RABBITMQ_URL"
    executables = (str(_BIN / "rabbitmq-server"), "rabbitmq-server")
    package = "rabbitmq-server"

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """The server itself, not the script that would wait for it: so it is what signals reach."""
        plugins = folder / "enabled_plugins"
        plugins.write_text("[].\n")
        variables = {
            **self._node(port, folder),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": port,
            "RABBITMQ_DIST_PORT": free_port(),
            "RABBITMQ_MNESIA_BASE": folder / "data",
            "RABBITMQ_LOG_BASE": folder / "log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": plugins,
            "RABBITMQ_PID_FILE": folder / "pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": folder / "erl_crash.dump",
        }
        return ["env", *(f"{name}={value}" for name, value in variables.items()), executable]

    def url(self, port: int) -> str:
        """The user guest, and the virtual host /."""
        return f"amqp://guest:guest@127.0.0.1:{port}"

    def version(self, url: str) -> str:
        """From the greeting, for which nobody need log in."""
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5672), ANSWER) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            greeting = connection.recv(4096)
        found = re.search(rb"\x07versionS...(.)([0-9.]+)", greeting, re.DOTALL)
        if not found:
            raise ConnectionError(f"no RabbitMQ answers at port {parts.port}: {greeting[:80]!r}")
        return f"rabbitmq {found[2][: found[1][0]].decode()}"

    def control(self, server: Server, *arguments: str) -> str:
        """What ``rabbitmqctl arguments`` says to a server of ours; about two seconds."""
        tool = Path(self.executable()).with_name("rabbitmqctl")
        variables = {name: str(value) for name, value in self._node(server.port, server.folder).items()}
        return subprocess.run(
            [str(tool), "--quiet", *arguments],
            env={**os.environ, **variables},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def settle(self, server: Server) -> None:
        """Wait until a server of ours would still know the queue that was declared last if it were killed now.

        RabbitMQ 3.10 answers a moment before it has written that the declaration is decided; killed in between, it
        forgets the queue with all its messages, also those it has confirmed.
        """
        end = monotonic() + PATIENCE
        while True:
            with suppress(StopIteration, FileNotFoundError):  # it begins a new one just now
                log = next(server.folder.glob("data/*/LATEST.LOG")).read_bytes()
                if log.rfind(b"committed") >= log.rfind(b"rabbit_durable_queue"):
                    return
            if monotonic() > end:
                raise RuntimeError(f"RabbitMQ has not written to {server.folder} that it has declared a queue")
            sleep(0.01)  # nothing tells

    def _node(self, port: int, folder: Path) -> dict[str, object]:
        return {"HOME": folder, "RABBITMQ_NODENAME": f"funboost{port}@localhost"}
