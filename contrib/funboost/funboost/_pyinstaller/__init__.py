"""For PyInstaller, which finds this folder through the entry point ``pyinstaller40``."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """The folder of the hook: it names the modules that are imported by name when first used."""
    return [str(Path(__file__).parent)]
