"""What is shipped works where nothing else is: wheels in new environments.  ``tox -e pkg``."""

from __future__ import annotations

import configparser
import os
import shutil
import sys
from pathlib import Path

import pytest
import workspace

sys.path.append(str(Path(__file__).parent))
from wheelhouse import Place, Wheelhouse

pytestmark = [pytest.mark.pkg, pytest.mark.timeout(900)]

DISTRIBUTIONS = list(workspace.distributions())
BASE = ("funboost-core", "funboost-broker-memory-queue", "funboost-pool-threading")

PROGRAM = """
import threading
from funboost_core import BoosterParams, boost, default
import funboost_core

assert "site-packages" in funboost_core.__file__, funboost_core.__file__
done, seen = threading.Event(), []

@boost(BoosterParams(queue_name="add", broker_kind="MEMORY_QUEUE", concurrent_mode="threading", concurrent_num=2))
def add(x, y=2):
    seen.append(x + y)
    if len(seen) == 3:
        done.set()

for x in range(3):
    add.push(x)
add.consume()
assert done.wait(30), seen
default().close()
print("sum", sum(seen))
"""
MISSING = """
from {package} import BoosterParams, boost
from funboost_core.errors import UnknownKind

for kind in {kinds!r}:
    try:
        @boost(BoosterParams(queue_name="q", broker_kind=kind, concurrent_mode="threading"))
        def f(x): ...
        f.push(1)
    except UnknownKind as error:
        print(kind, "|", error)
    else:
        print(kind, "|", "no error")
"""
FUNBOOST = """
from funboost import BoosterParams, BrokerEnum, boost

@boost(BoosterParams(queue_name="add", is_using_rpc_mode=True, concurrent_num=4{more}))
def add(x, y=2):
    return x + y

if __name__ == "__main__":
    results = [add.push(x) for x in range(5)]
    add.{consume}
    print("results", [result.set_timeout(60).result for result in results])
    from funboost_core import default
    default().close()
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    folder = os.environ.get("FUNBOOST_TEST_WHEELS")
    return Wheelhouse(Path(folder) if folder else tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def minimal(house, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("minimal"))
    place.install(house, *BASE)
    return place


@pytest.fixture(scope="module")
def complete(house, tmp_path_factory):
    """What ``pip install funboost`` gives, from the folder of wheels alone."""
    place = Place(tmp_path_factory.mktemp("complete"))
    needed = [its.name for its in workspace.select(["funboost"])]
    place.pip("install", "--quiet", *house.foreign(needed))
    place.pip("install", "--quiet", "--no-index", "--find-links", str(house.folder), "funboost")
    return place


# -- what is in a wheel ------------------------------------------------------------------------------------------------


def test_every_distribution_has_one_wheel(house):
    assert sorted(house.wheels) == sorted(DISTRIBUTIONS)
    assert len(list(house.folder.glob("*.whl"))) == len(DISTRIBUTIONS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_holds_its_package_and_nothing_else(house, name):
    wheel = house.wheels[name]
    assert f"{wheel.package}/py.typed" in wheel.files
    assert f"{wheel.package}/__init__.py" in wheel.files
    assert {file.split("/")[0] for file in wheel.files} == {wheel.package, wheel.info}
    sources = wheel.distribution.folder / wheel.package
    expected = {
        f"{wheel.package}/{file.relative_to(sources).as_posix()}"
        for file in sources.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {file for file in wheel.files if file.startswith(f"{wheel.package}/")} == expected
    parts = {part for file in wheel.files for part in file.split("/")}
    assert not parts & {"tests", "test", "conftest.py", "__pycache__"}
    about = {file for file in wheel.texts if not file.startswith("licenses/")}
    assert about - {"entry_points.txt"} == {"METADATA", "RECORD", "WHEEL"}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_says_what_it_is(house, name):
    wheel = house.wheels[name]
    project = wheel.distribution.pyproject["project"]
    assert wheel.metadata["Name"] == name
    assert wheel.metadata["Version"] == project["version"]
    assert wheel.metadata["License-Expression"] == "Apache-2.0"
    assert wheel.metadata["Requires-Python"] == ">=3.9"
    assert wheel.metadata["Summary"]
    assert wheel.metadata.get_payload().strip(), "the README is the description"
    assert "Root-Is-Purelib: true" in wheel.texts["WHEEL"]
    if name == "funboost-core":
        assert "Apache License" in wheel.texts["licenses/LICENSE"]
    for line in wheel.requirements:
        assert "@" not in line and "file:" not in line, line


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_has_its_entry_points(house, name):
    wheel = house.wheels[name]
    declared = wheel.distribution.pyproject["project"].get("entry-points", {})
    scripts = wheel.distribution.pyproject["project"].get("scripts", {})
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str
    parser.read_string(wheel.texts.get("entry_points.txt", ""))
    found = {group: dict(parser[group]) for group in parser.sections()}
    assert found == {**declared, **({"console_scripts": scripts} if scripts else {})}
    for value in declared.values():
        for module in value.values():
            place = module.split(":")[0].replace(".", "/")
            assert {f"{place}.py", f"{place}/__init__.py"} & set(wheel.files)


# -- the least that works ------------------------------------------------------------------------------------------------


def test_core_and_one_broker_and_one_pool_are_a_working_program(minimal):
    assert minimal.installed() == set(BASE)
    assert minimal.program(PROGRAM).splitlines()[-1] == "sum 9"


def test_a_broker_that_is_not_installed_names_the_distribution(minimal):
    kinds = ["SQLITE_QUEUE", "REDIS_STREAM", "pigeon_post"]
    lines = minimal.program(MISSING.format(package="funboost_core", kinds=kinds)).splitlines()
    told = dict(line.split(" | ", 1) for line in lines)
    assert told.keys() == set(kinds)
    for kind, text in told.items():
        assert f"pip install funboost-broker-{kind.lower().replace('_', '-')}" in text
        assert "installed: MEMORY_QUEUE" in text


def test_a_pool_that_is_not_installed_names_the_distribution(minimal):
    out = minimal.program(
        PROGRAM.replace('"threading"', '"gevent"')
        .replace("add.consume()", "try_consume()")
        .replace(
            "for x in range(3):",
            "def try_consume():\n    try:\n        add.consume()\n    except Exception as error:\n"
            "        print(type(error).__name__, error)\n        raise SystemExit(0)\n\nfor x in range(3):",
        )
    )
    assert "UnknownKind No pool called 'gevent'" in out
    assert "pip install funboost-pool-gevent" in out


# -- what most people install ----------------------------------------------------------------------------------------------


def test_funboost_comes_complete_from_the_folder_alone(complete):
    assert complete.installed() == {its.name for its in workspace.select(["funboost"])}


@pytest.mark.parametrize(
    ("more", "consume"),
    [("", "consume()"), (", broker_kind=BrokerEnum.MEMORY_QUEUE", "consume()"), ("", "multi_process_consume(2)")],
    ids=["defaults", "memory", "processes"],
)
def test_funboost_works_from_wheels(complete, more, consume):
    out = complete.program(FUNBOOST.format(more=more, consume=consume))
    assert "results [2, 3, 4, 5, 6]" in out.splitlines(), out


def test_every_documented_broker_is_there_or_names_what_to_install(complete):
    listing = "from funboost import BrokerEnum\nprint(*sorted(n for n in vars(BrokerEnum) if n.isupper()))"
    names = [name for name in complete.program(listing, "listing.py").split() if name != "EMPTY"]  # the user's own
    assert {"REDIS_STREAM", "RABBITMQ_AMQPSTORM", "KAFKA", "MEMORY_QUEUE"} <= set(names)
    lines = complete.program(MISSING.format(package="funboost", kinds=names)).splitlines()
    told = {line.split(" | ")[0]: line.split(" | ", 1)[1] for line in lines if " | " in line}
    for kind, dist in {
        "REDIS_ACK_ABLE": "funboost-broker-redis-ack-able",
        "REDIS_STREAM": "funboost-broker-redis-stream",
        "RABBITMQ_AMQPSTORM": "funboost-broker-rabbitmq-amqpstorm",
        "KAFKA_CONFLUENT": "funboost-broker-kafka-confluent",
        "MQTT": "funboost-broker-mqtt",
        "NATS": "funboost-broker-nats",
    }.items():
        assert f"pip install {dist}" in told[kind], told[kind]
    for kind, text in told.items():
        assert text == "no error" or "pip install funboost-broker-" in text, f"{kind}: {text}"
    assert told["MEMORY_QUEUE"] == "no error"


# -- the tests themselves, against what is shipped --------------------------------------------------------------------------

FROM_SITE_PACKAGES = """
import funboost_core

assert "site-packages" in funboost_core.__file__, funboost_core.__file__
"""


TESTED = {
    "tests/unit": (
        "funboost-core",
        "funboost-testing",
        "funboost-broker-memory-queue",
        "funboost-store-memory",
        "funboost-pool-threading",
    ),
    "plugins": (
        *BASE,
        "funboost-broker-sqlite-queue",
        "funboost-store-memory",
        "funboost-store-sqlite",
        "funboost-testing",
    ),
}
"""Tests, and what they are run with."""


@pytest.mark.parametrize(("tests", "names"), TESTED.items(), ids=TESTED)
def test_the_tests_pass_on_wheels(house, tmp_path, tests, names):
    """They are copied to a folder without the sources."""
    place = Place(tmp_path)
    place.install(house, *names, others=("pytest", "pytest-timeout"))
    assert place.installed() == set(names)
    folders = [workspace.ROOT / "tests" / "unit", workspace.ROOT / "tests" / "support"]
    folders += [its.folder / "tests" for name, its in workspace.distributions().items() if name in names and its.room]
    for folder in folders:
        if folder.exists():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(folder, place.folder / folder.relative_to(workspace.ROOT), ignore=ignore)
    shutil.copy(workspace.ROOT / "tests" / "conftest.py", place.folder / "tests")
    shutil.copy(workspace.ROOT / "pyproject.toml", place.folder)  # the configuration of pytest
    ours = (workspace.ROOT / "conftest.py").read_text("utf-8")
    (place.folder / "conftest.py").write_text(ours + FROM_SITE_PACKAGES, "utf-8")
    done = place.run("-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert done.returncode == 0, done.stdout[-8000:]
    assert str(workspace.ROOT) not in place.program("import sys\nprint(sys.path)", "where.py")
