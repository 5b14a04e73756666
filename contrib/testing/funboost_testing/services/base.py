"""A kind of server, and one that runs."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from funboost_core.native import sleep

if TYPE_CHECKING:
    from typing_extensions import Self

PATIENCE = 120.0
"""Seconds that a server may take to answer, once it has been started."""
ANSWER = 30.0
"""Seconds that it may take for one question, however busy the machine."""


class Unavailable(RuntimeError):
    """A server is neither given nor installed; the text says what to do."""


def free_port() -> int:
    """A port of the loopback that nobody uses just now, and that no system gives to clients.

    Else a client could get the port of a server that is away for a moment, and even be connected with itself there.
    Nobody else who asks here gets it as long as this process lives, whether its server has been started or not.
    """
    while True:
        port = 20000 + secrets.randbelow(12000)  # `random` may have been seeded, by several processes alike
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # no server of ours speaks UDP
        try:
            taken.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            taken.close()
        else:
            atexit.register(taken.close)  # which keeps it, too
            return port


class Service(ABC):
    """A kind of server: how to find, install, start and ask it.

    `name` as on the command line; `variable` names the environment variable with the URL of one that runs elsewhere;
    `executables` are looked for in this order; `package` is the Debian package that has them.
    """

    name: ClassVar[str]
    variable: ClassVar[str]
    executables: ClassVar[tuple[str, ...]]
    package: ClassVar[str]

    def given(self) -> str:
        """The URL of a server that the environment names; "" when it names none."""
        return os.environ.get(self.variable, "")

    def executable(self) -> str:
        """Where the server is installed; "" when it is not."""
        return next((found for name in self.executables if (found := shutil.which(name))), "")

    def packages(self) -> list[str]:
        """The Debian packages that are to be installed, once it is known to be missing."""
        return [self.package]

    def download(self) -> None:
        """Fetch what no Debian package has; called when the packages are there."""
        return

    def missing(self) -> str:
        """Why it cannot be used and what to do about it; "" when it can."""
        if self.given() or self.executable():
            return ""
        return (
            f"{self.name}: {self.variable} is not set and {' or '.join(self.executables)} is not installed. "
            f"Run: python -m funboost_testing services install {self.name}  (or apt-get install {self.package})"
        )

    @abstractmethod
    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """The command line of a server that listens on `port` of the loopback only and keeps its files in `folder`."""

    @abstractmethod
    def url(self, port: int) -> str:
        """How clients reach it."""

    @abstractmethod
    def version(self, url: str) -> str:
        """What answers at `url`, such as ``redis 7.0.15``; OSError when nothing does."""

    def start(self, *options: str) -> Server:
        """A server of our own, answering; `options` are added to its command line.

        Raises:
            Unavailable: it is not installed.
        """
        if not self.executable():
            raise Unavailable(self.missing())
        return Server(self, options)


class Server:
    """A server of our own.  Leaving the context ends it, and so does the end of this process, even by SIGKILL."""

    def __init__(self, service: Service, options: tuple[str, ...] = ()) -> None:
        self.service = service
        self.port = free_port()
        self.url = service.url(self.port)
        self.folder = Path(tempfile.mkdtemp(prefix=f"funboost-{service.name}-"))
        self.version = ""
        self._options = options
        self._guard: subprocess.Popen[str] | None = None
        self.pid = 0
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it (again), on the same port and with the same files; returns when it answers."""
        command = [*self.service.command(self.service.executable(), self.port, self.folder), *self._options]
        log = self.folder / "output.txt"
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-S", "-E", str(Path(__file__).with_name("guard.py")), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline() or 0)
        end = monotonic() + PATIENCE
        while True:
            try:
                self.version = self.service.version(self.url)
                return
            except OSError as error:
                if monotonic() > end or self._guard.poll() is not None:
                    raise RuntimeError(f"{command[0]} does not answer ({error}): {log.read_text()[-2000:]}") from error
            sleep(0.01)  # nothing tells when it is ready

    def stop(self) -> None:
        """End it in good order; `start` brings it back."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin is not None
        assert guard.stdout is not None
        with suppress(OSError):  # it has ended by itself
            guard.stdin.write("\n")  # a process that was forked meanwhile may hold the other end of the pipe open
            guard.stdin.close()
        guard.wait()
        guard.stdout.close()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal("SIGKILL")
        self.stop()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it hang: its connections stand and it answers nothing.  Not on Windows."""
        self._signal("SIGSTOP")

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._signal("SIGCONT")

    def close(self) -> None:
        """End it and delete its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, name: str) -> None:
        if self._guard is not None and self.pid:
            number: Any = getattr(signal, name, signal.SIGTERM)
            os.kill(self.pid, number)
