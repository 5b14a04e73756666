"""Each extra of ``funboost``, installed from wheels, brings what its name says.  ``tox -e pkg``."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import workspace

sys.path.append(str(Path(__file__).parent))
from wheelhouse import Place, Wheelhouse

pytestmark = [pytest.mark.pkg, pytest.mark.timeout(900)]

EXTRAS = workspace.distributions()["funboost"].pyproject["project"]["optional-dependencies"]
LOADED = """
from importlib.metadata import distribution

for name in {names!r}:
    for entry in distribution(name).entry_points:
        entry.load()
"""
PROGRAMS = {
    "deploy": "from funboost import ParamikoFolderUploader\nParamikoFolderUploader('h', 22, 'u', None, '/a', '/b')",
    "fastapi": "from funboost.contrib.api_publish_msg import app\nassert '/funboost_publish_msg' in app.openapi()['paths']",
    "redis": "from funboost import RedisMixin\nassert RedisMixin().redis_db_frame",
    "spider": "from funboost_spider import RequestClient\nRequestClient().close()",
    "sqlalchemy": """
from funboost import BoosterParams, boost
from funboost.contrib.save_result_status_to_sqldb import save_result_status_to_sqlalchemy
from funboost_core import default

@boost(BoosterParams(queue_name="q", user_custom_record_process_info_func=save_result_status_to_sqlalchemy))
def f(x):
    return x

f.push(1)
f.consume()
f.wait_for_possible_has_finish_all_tasks(0.01)
default().close()
import sqlalchemy
engine = sqlalchemy.create_engine(f"sqlite:///{default().data_dir() / 'results.db'}")
with engine.connect() as connection:
    assert connection.execute(sqlalchemy.text("SELECT count(*) FROM funboost_consume_results")).scalar() == 1
""",
}
"""What an extra is for, where that is more than its plugins."""


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    folder = os.environ.get("FUNBOOST_TEST_WHEELS")
    return Wheelhouse(Path(folder) if folder else tmp_path_factory.mktemp("wheels"))


def name_of(line):
    return re.match(r"[\w.-]+", line).group()


def lines_of(extra):
    """The requirements of an extra, and of the extras of ours that it stands for."""
    for line in EXTRAS[extra]:
        if line.startswith("funboost["):
            for other in line[len("funboost[") : -1].split(","):
                yield from lines_of(other)
        else:
            yield line


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_what_it_is_for(house, tmp_path, extra):
    known = workspace.distributions()
    ours = [name_of(line) for line in lines_of(extra) if name_of(line) in known]
    others = [line for line in lines_of(extra) if name_of(line) not in known]
    needed = [its.name for its in workspace.select(["funboost", *ours])]
    place = Place(tmp_path)
    place.pip("install", "--quiet", *house.foreign(needed), *others)
    place.pip("install", "--quiet", "--no-index", "--find-links", str(house.folder), f"funboost[{extra}]")
    assert place.installed() == set(needed)
    place.program(LOADED.format(names=ours))
    place.program(PROGRAMS.get(extra, ""), "extra.py")
