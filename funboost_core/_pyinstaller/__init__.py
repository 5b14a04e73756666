"""For PyInstaller, which finds this folder through the entry point ``pyinstaller40``."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """The folder of the hooks: they say what a frozen program needs and PyInstaller cannot see."""
    return [str(Path(__file__).parent)]
