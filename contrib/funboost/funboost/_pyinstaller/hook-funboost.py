"""Into a frozen program go the modules that are imported by name when first used."""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("funboost")
