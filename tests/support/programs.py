"""Running little programs as a user would, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

PREAMBLE = """
import os, sys, threading, time
from pathlib import Path
from funboost_core import BoosterParams, boost, default, fct
HERE = Path(os.environ["STORY_DIR"])
LOG = os.open(str(HERE / "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(*what):
    os.write(LOG, ("\\n" + " ".join(map(str, what)) + ";\\n").encode())
"""


def whole(text: str) -> list[str]:
    """What has been noted, of the text of a log.

    Who is killed while it writes may leave the beginning of a line there, where a page of the file ends, and a reader may
    see half of what is written just then: a note begins on a line of its own and tells where it ends.
    """
    return [line[:-1] for line in text.splitlines() if line.endswith(";")]


class Program:
    """A script, its processes and what they wrote to the common log."""

    def __init__(self, folder: Path, pool: str = "threading", **settings: Any) -> None:
        self.folder = folder
        self._env = {
            **os.environ,
            "STORY_DIR": str(folder),
            "FUNBOOST_DATA_DIR": str(folder / "data"),
            "FUNBOOST_BROKER_KIND": "SQLITE_QUEUE",
            "FUNBOOST_CONCURRENT_MODE": pool,
            "FUNBOOST_STATE_URL": "sqlite://",
            "FUNBOOST_BEAT_SECONDS": "0.2",
            "FUNBOOST_DRAIN_SECONDS": "30",
            **{f"FUNBOOST_{name}": str(value) for name, value in settings.items()},
        }
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, script: str, name: str = "program.py", args: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start a script that begins with the preamble."""
        path, text = self.folder / name, PREAMBLE + textwrap.dedent(script)
        if not path.exists() or path.read_text() != text:  # else the one before may be reading it just now
            path.write_text(text)
        return self.spawn([sys.executable, str(path), *args])

    def spawn(self, command: list[str]) -> subprocess.Popen[str]:
        """Start any command in this program's environment; it prints to a file: a pipe that nobody reads would stop it."""
        with self._printed(len(self._processes)).open("w") as output:
            process = subprocess.Popen(
                command, env=self._env, cwd=self.folder, text=True, stdout=output, stderr=subprocess.STDOUT
            )
        self._processes.append(process)
        return process

    def run(self, script: str, seconds: float = 60, name: str = "program.py") -> str:
        """Run a script to its end; its output.  A non-zero exit code is an error."""
        process = self.start(script, name)
        code, output = process.wait(seconds), self._printed(self._processes.index(process)).read_text()
        assert code == 0, output
        return output

    def log(self) -> list[str]:
        """The lines noted so far."""
        path = self.folder / "log"
        return whole(path.read_text()) if path.exists() else []

    def wait_for(self, count: int, start: str = "", seconds: float = 50) -> list[str]:
        """The lines that begin with `start`, once there are `count`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            lines = [line for line in self.log() if line.startswith(start)]
            if len(lines) >= count:
                return lines
            time.sleep(0.01)  # another process writes them: there is nothing to wait on
        raise AssertionError(f"{count} lines {start!r} were awaited, there are {self.log()}; {self.output()}")

    def output(self) -> str:
        """What the processes that have ended printed."""
        ended = [number for number, process in enumerate(self._processes) if process.poll() is not None]
        return "\n".join(self._printed(number).read_text(errors="replace") for number in ended)

    def _printed(self, number: int) -> Path:
        return self.folder / f"output{number}"

    def close(self) -> None:
        """Kill what still runs."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
