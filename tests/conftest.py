"""For the tests of the core and of all together."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
BY_FOLDER = {HERE / "chaos": pytest.mark.chaos, HERE / "soak": pytest.mark.soak}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for folder, mark in BY_FOLDER.items():
            if folder in item.path.parents:
                item.add_marker(mark)


@pytest.fixture(autouse=True)
def _files_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files of a test's programs go to a folder of its own."""
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path_factory.mktemp("funboost")))
