"""Installing servers on request; nothing else in this package installs anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .base import Service, Unavailable

POLICY = Path("/usr/sbin/policy-rc.d")


def install(services: Sequence[Service]) -> None:
    """Install what is missing from Debian's packages, without letting them start anything, and what else it needs.

    Raises:
        Unavailable: this machine has no apt-get, or does not allow its use.
    """
    missing = [service for service in services if service.missing()]
    if not missing:
        return
    packages = sorted({package for service in missing for package in service.packages()})
    if packages:
        _install(packages)
    for service in missing:
        service.download()
        if service.missing():
            raise Unavailable(f"It was installed and {service.missing()}")


def _install(packages: Sequence[str]) -> None:
    apt = shutil.which("apt-get")
    if apt is None:
        raise Unavailable(f"There is no apt-get here; install {', '.join(packages)} in this system's own way.")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Unavailable(f"Only root may install. Run: sudo apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _nothing_starts():
        subprocess.run([apt, "update", "-qq"], env=environment, check=True)
        subprocess.run([apt, "install", "-y", "-qq", "--no-install-recommends", *packages], env=environment, check=True)


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """While packages are installed, Debian asks this file whether their services may be started."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
