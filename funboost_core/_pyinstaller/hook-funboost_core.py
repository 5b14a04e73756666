"""Into a frozen program go: the core's modules, imported by name when first used, and every installed plugin."""

from __future__ import annotations

from PyInstaller.utils.hooks import collect_entry_point, collect_submodules

from funboost_core.catalog import ROOMS

datas, hiddenimports = [], collect_submodules("funboost_core")
for room in ROOMS:
    metadata, modules = collect_entry_point(f"funboost.{room}")
    datas += metadata
    for module in modules:
        package = module.rpartition(".")[0]  # a plugin names its other modules in text
        hiddenimports += [module, *(collect_submodules(package) if package else [])]
