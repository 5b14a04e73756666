"""The page lists the documented import paths that the test of the distribution `funboost` imports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent
IMPORTS = json.loads((DOCS.parent / "contrib/funboost/tests/documented_imports.json").read_text("utf-8"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_of_import_paths(language: str) -> None:
    table = (DOCS / language / "api.md").read_text("utf-8").partition("<!-- imports -->\n")[2]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    shown = {path.strip("| `"): re.findall(r"`(\w+)`", names) for path, names, _ in rows}
    assert shown == {path: entry["names"] for path, entry in IMPORTS.items() if path != "funboost"}
    waiting = {row[0].strip("| `") for row in rows if row[2].startswith(("later", "以后"))}
    assert waiting == {path for path, entry in IMPORTS.items() if "*" in entry.get("later", {})}
