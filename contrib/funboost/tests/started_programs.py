"""Programs as a user would write and start them, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

WAIT = 120
"""Seconds."""


class Programs:
    """Starts programs that share one data folder; ends those that are left."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = {}
        self._running = []

    def write(self, name, text, sleep=0.0):
        path = self.folder / name
        path.write_text(textwrap.dedent(text).replace("SLEEP", str(sleep)), encoding="utf-8")
        return path

    def start(self, path, *args):
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")},
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "FUNBOOST_DATA_DIR": str(self.folder / "data"),
            **self.environ,
        }
        process = subprocess.Popen(
            [sys.executable, str(path), *args],
            cwd=self.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, path, *args):
        process = self.start(path, *args)
        output, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 0, output
        return output

    def close(self):
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait(WAIT)
            process.stdout.close()
