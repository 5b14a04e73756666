"""Running shell text on the other machine."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from .errors import StartFailed
from .script import SAYS, SHELL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paramiko import SSHClient

KEPT = 50
"""Lines of output that an error shows."""


class Started:
    """A task that runs on the other machine."""

    def __init__(self, host: str, pid: int, channel: Any, lines: Iterator[str], show: Callable[[str], None]) -> None:
        self.pid = pid
        self._host, self._channel, self._lines, self._show = host, channel, lines, show

    def wait(self) -> int:
        """Show the output until it ends; its exit code, which is 0.

        Raises:
            StartFailed: it has ended with another one, or with the connection.
        """
        last: deque[str] = deque(maxlen=KEPT)
        for line in self._lines:
            last.append(line)
            self._show(line)
        code = int(self._channel.recv_exit_status())
        if code:
            what = "The connection broke, and what was started ends" if code < 0 else "What was started has ended"
            raise StartFailed(what=what, host=self._host, code=code, output="".join(last).strip())
        return code


def start(client: SSHClient, host: str, script: str, show: Callable[[str], None]) -> Started:
    """Run a script of `script.starting`; returns when what it starts is running.

    Raises:
        StartFailed: it is not; with what was printed.
    """
    channel, lines = _shell(client, script)
    last: deque[str] = deque(maxlen=KEPT)
    what, code = "The start has failed", None
    for line in lines:
        if line.startswith(f"{SAYS} running "):
            return Started(host, int(line.split()[2]), channel, lines, show)
        if line.startswith(f"{SAYS} ended "):
            what, code = "The task has ended at once", int(line.split()[2])
            last.clear()
            continue
        last.append(line)
    if code is None:
        code = int(channel.recv_exit_status())
    raise StartFailed(what=what, host=host, code=code, output="".join(last).strip() or "(nothing)")


def run(client: SSHClient, host: str, script: str) -> None:
    """Run a script to its end.

    Raises:
        StartFailed: its exit code is not 0.
    """
    channel, lines = _shell(client, script)
    output = "".join(lines)
    code = int(channel.recv_exit_status())
    if code:
        raise StartFailed(what="The shell has failed", host=host, code=code, output=output.strip() or "(nothing)")


def _shell(client: SSHClient, script: str) -> tuple[Any, Iterator[str]]:
    """A shell that reads `script`; its input stays open, and its end is the end of this connection."""
    transport: Any = client.get_transport()
    channel = transport.open_session()
    channel.set_combine_stderr(True)
    channel.exec_command(SHELL)
    channel.sendall(script.encode())
    output = channel.makefile("rb")
    return channel, (line.decode("utf-8", "replace") for line in iter(output.readline, b""))
