"""catalog: from the name of a kind to its plugin, importing nothing but that plugin."""

from __future__ import annotations

import textwrap

import pytest

from funboost_core import BrokerSpec, Capability, Environment, PoolSpec, hookimpl
from funboost_core.errors import ConfigError, PluginIncompatible, UnknownKind
from funboost_core.records import resolve


class Birds:
    @hookimpl
    def funboost_brokers(self):
        return [BrokerSpec("PIGEON_POST", object, Capability.PUBLISH, summary="birds")]

    @hookimpl
    def funboost_pools(self):
        return [PoolSpec("flock", object)]


@pytest.fixture
def environment():
    made = Environment()
    made.manager.register(Birds())
    return made


@pytest.fixture
def install(tmp_path):
    """Install a distribution: its metadata and its modules, in a folder for sys.path."""

    def make(dist, entry_points, **modules):
        info = tmp_path / f"{dist.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        return tmp_path

    return make


PLUGIN = """
    from funboost_core import BrokerSpec, Capability, hookimpl

    @hookimpl
    def funboost_brokers():
        return [BrokerSpec({kind!r}, "nowhere:Client", Capability.PUBLISH)]
"""


@pytest.mark.parametrize("kind", ["PIGEON_POST", "pigeon_post", "Pigeon_Post"])
def test_registered_kinds_are_found_in_any_case(environment, kind):
    assert environment.catalog.find("brokers", kind).summary == "birds"


def test_aliases_of_the_environment_apply(environment):
    environment.aliases["brokers"]["birds"] = "PIGEON_POST"
    assert environment.catalog.find("brokers", "BIRDS").kind == "PIGEON_POST"
    environment.aliases["brokers"]["pigeon_post"] = "OWL"
    with pytest.raises(UnknownKind, match="OWL"):
        environment.catalog.find("brokers", "PIGEON_POST")


def test_an_unknown_kind_names_the_distribution_and_what_is_near(environment):
    with pytest.raises(UnknownKind) as caught:
        environment.catalog.find("brokers", "PIGEON_PSOT")
    text = str(caught.value)
    assert "broker called 'PIGEON_PSOT'" in text
    assert "pip install funboost-broker-pigeon-psot" in text
    assert "Did you mean 'PIGEON_POST'?" in text
    assert "PIGEON_POST" in text.partition("installed: ")[2].partition(")")[0].split(", ")


def test_an_unknown_scheduler():
    with pytest.raises(UnknownKind, match=r"No scheduler called 'moon'.*installed: .*funboost-scheduler-moon$"):
        Environment().catalog.find("schedulers", "moon")


def test_kinds_are_sorted_and_complete(environment):
    kinds = environment.catalog.kinds("brokers")
    assert kinds == sorted(kinds)
    assert set(kinds) - set(Environment().catalog.kinds("brokers")) == {"PIGEON_POST"}


def test_only_the_plugin_that_is_asked_for_is_imported(install, run_python):
    install(
        "funboost-broker-owl",
        """
        [funboost.brokers]
        OWL = owl_plugin
        CROW = crow_plugin
        """,
        owl_plugin=PLUGIN.format(kind="OWL"),
        crow_plugin="raise SystemExit('the crow was imported')",
    )
    folder = install(
        "funboost-pool-flock",
        """
        [funboost.pools]
        flock = flock_plugin
        """,
        flock_plugin="raise SystemExit('the flock was imported')",
    )
    print_all = run_python(
        """
import sys
import funboost_core
from funboost_core import Environment
environment = Environment()
assert {"CROW", "OWL"} <= set(environment.catalog.kinds("brokers")), environment.catalog.kinds("brokers")
assert "flock" in environment.catalog.kinds("pools")
assert "owl_plugin" not in sys.modules
spec = environment.catalog.find("brokers", "owl")
assert spec.kind == "OWL" and environment.catalog.find("brokers", "OWL") is spec
assert "owl_plugin" in sys.modules and "crow_plugin" not in sys.modules and "flock_plugin" not in sys.modules
assert "nowhere" not in sys.modules
print("fine")
""",
        [folder],
    )
    assert print_all == "fine\n"


def test_the_distributions_are_read_once_and_only_when_needed(environment, monkeypatch):
    reads = []
    monkeypatch.setattr("funboost_core.catalog._entry_points", lambda group: reads.append(group) or [])
    environment.catalog.find("brokers", "pigeon_post")
    assert reads == []
    for _ in range(3):
        with pytest.raises(UnknownKind):
            environment.catalog.find("brokers", "owl")
    assert reads == ["funboost.brokers"]


def test_broken_entry_points_say_what_is_wrong(install, run_python):
    folder = install(
        "birds",
        """
        [funboost.brokers]
        GONE = there_is_no_such_module
        BROKEN = broken_plugin
        OLD = old_plugin
        LIAR = liar_plugin
        """,
        broken_plugin="import missing_client",
        old_plugin="""
            from funboost_core import hookimpl

            @hookimpl
            def funboost_judge(weather):
                return None
        """,
        liar_plugin=PLUGIN.format(kind="TRUTH"),
    )
    out = run_python(
        """
from funboost_core import Environment
from funboost_core.errors import ConfigError
environment = Environment()
for kind in ("GONE", "BROKEN", "OLD", "LIAR"):
    try:
        environment.catalog.find("brokers", kind)
    except ConfigError as error:
        print(type(error).__name__, error)
print(environment.catalog.find("brokers", "TRUTH").kind)
""",
        [folder],
    )
    gone, broken, old, liar, truth = out.splitlines()
    assert "GONE (there_is_no_such_module)" in gone
    assert gone.startswith("PluginIncompatible ")
    assert "ModuleNotFoundError" in gone
    assert "BROKEN (broken_plugin)" in broken
    assert "missing_client" in broken
    assert "old_plugin" in old
    assert "weather" in old
    assert "LIAR (liar_plugin)" in liar
    assert "declares no broker 'LIAR'" in liar
    assert truth == "TRUTH"


def test_a_blocked_plugin_is_neither_listed_nor_imported_and_the_error_says_why(install, run_python):
    folder = install(
        "birds",
        """
        [funboost.brokers]
        OWL = owl_plugin

        [funboost.hooks]
        noise = owl_plugin
        """,
        owl_plugin="raise SystemExit('the owl was imported')",
    )
    out = run_python(
        """
from funboost_core import Environment
from funboost_core.errors import UnknownKind
environment = Environment({"DISABLE_PLUGINS": "owl_plugin"})
print(environment.catalog.kinds("brokers"))
try:
    environment.catalog.find("brokers", "OWL")
except UnknownKind as error:
    print(error)
environment.catalog.load_hooks("noise")
""",
        [folder],
    )
    kinds, error = out.splitlines()
    assert "OWL" not in kinds
    assert "DISABLE_PLUGINS" in error
    assert "pip install" not in error


def test_hooks_act_only_when_they_are_named(install, run_python):
    folder = install(
        "hooks",
        """
        [funboost.hooks]
        noise = noise_plugin
        music = music_plugin
        """,
        noise_plugin="raise SystemExit('the noise was imported')",
        music_plugin="""
            from funboost_core import hookimpl

            @hookimpl
            def funboost_worker_stopping(worker):
                print("music stops")
        """,
    )
    out = run_python(
        """
from funboost_core import Environment
from funboost_core.errors import UnknownKind
environment = Environment()
environment.catalog.load_hooks("Music, ")
environment.catalog.load_hooks("music")
environment.manager.hook.funboost_worker_stopping(worker=None)
try:
    environment.catalog.load_hooks("musik")
except UnknownKind as error:
    print(error)
""",
        [folder],
    )
    stops, error = out.splitlines()
    assert stops == "music stops"
    assert "funboost-hook-musik" in error
    assert "Did you mean 'music'?" in error


def test_a_plugin_without_metadata_wins_over_an_installed_one(environment, monkeypatch):
    class Entry:
        name, value = "PIGEON_POST", "other"

        def load(self):
            raise AssertionError("it must not be loaded")

    monkeypatch.setattr("funboost_core.catalog._entry_points", lambda group: [Entry()])
    assert environment.catalog.find("brokers", "PIGEON_POST").summary == "birds"


def test_an_incompatible_plugin_is_an_error_each_time(monkeypatch):
    class Entry:
        name, value = "OWL", "owl"

        def load(self):
            raise ImportError("no feathers")

    monkeypatch.setattr("funboost_core.catalog._entry_points", lambda group: [Entry()])
    environment = Environment()
    for _ in range(2):
        with pytest.raises(PluginIncompatible, match="no feathers"):
            environment.catalog.find("brokers", "owl")


def test_a_client_library_that_is_missing_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "funboost_broker_owl_post.py").write_text("import no_such_owl")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"No module named 'no_such_owl'.*pip install funboost-broker-owl-post$"):
        resolve("funboost_broker_owl_post:Owl")
