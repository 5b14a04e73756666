"""Plugins that come without metadata, and plugins and kinds that do not fit: what a user of them meets."""

from __future__ import annotations

import sys
import textwrap

import pytest
from programs import Program

import funboost_core
from funboost_core import BoosterParams, Environment, boost, register_plugin
from funboost_core.errors import ConfigError, DuplicateKind, PluginIncompatible, UnknownKind

NO_METADATA = """
import funboost_core.catalog
from funboost_core import register_plugin

def no_metadata(group):
    raise AssertionError(f"the metadata of {group} were asked for")

funboost_core.catalog._entry_points = no_metadata
"""

WORK = """
@boost(BoosterParams(queue_name="add", is_using_rpc_mode=True))
def add(x, y):
    return x + y

result = add.push(1, y=2)
add.consume()
print("result", result.set_timeout(20).result)
default().close()
"""

A_BROKER = '''
"""One file of someone else's: a broker in the memory of this process."""

import collections

from funboost_core import BrokerSpec, Capability, Delivery, PullBroker, hookimpl

QUEUES = collections.defaultdict(collections.deque)


class ShoeBox(PullBroker):
    def __init__(self, context):
        self.queue = QUEUES[context.queue]

    def publish(self, messages):
        self.queue.extend(message.body for message in messages)

    def fetch(self, limit, timeout):
        deliveries = []
        while self.queue and len(deliveries) < limit:
            deliveries.append(Delivery(self.queue.popleft()))
        return deliveries

    def ack(self, deliveries):
        pass

    def requeue(self, deliveries):
        self.queue.extend(delivery.body for delivery in deliveries)


@hookimpl
def funboost_brokers():
    return [BrokerSpec("SHOE_BOX", ShoeBox, Capability.ACK | Capability.REQUEUE | Capability.PUBLISH)]
'''


@pytest.fixture
def make_program(tmp_path):
    made = []

    def make(**settings):
        made.append(Program(tmp_path, **settings))
        return made[-1]

    yield make
    for program in made:
        program.close()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin with metadata: ``install("funboost.brokers", "OWL", source)``."""

    def make(group, kind, source):
        module = f"plugin_of_{kind.lower()}_{tmp_path.name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{kind} = {module}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        made.append(module)
        return module

    made = []
    yield make
    for module in made:
        sys.modules.pop(module, None)


@pytest.fixture
def environment():
    made = Environment()
    yield made
    made.close()


def task(environment, **params):
    @boost(BoosterParams(queue_name="q", **params), environment=environment)
    def add(x, y=2):
        return x + y

    return add


# -- without metadata ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("embedded", ["memory", "sqlite"])
def test_a_program_works_from_registered_modules_alone(make_program, embedded):
    broker = f"{embedded}_queue"
    program = make_program(BROKER_KIND=broker.upper(), STATE_URL=f"{embedded}://")
    out = program.run(
        f"""
        import funboost_broker_{broker}.plugin, funboost_pool_threading.plugin, funboost_store_{embedded}.plugin
        {textwrap.indent(NO_METADATA, " " * 8)}
        for module in (funboost_broker_{broker}, funboost_pool_threading, funboost_store_{embedded}):
            register_plugin(module.plugin)
        {textwrap.indent(WORK, " " * 8)}
        """
    )
    assert "result 3" in out.splitlines(), out


def test_one_file_of_ones_own_is_a_plugin(make_program):
    program = make_program()
    (program.folder / "shoe_box.py").write_text(A_BROKER)
    work = WORK.replace('queue_name="add"', 'queue_name="add", broker_kind="shoe_box"')
    out = program.run(f"import shoe_box\nfrom funboost_core import register_plugin\nregister_plugin(shoe_box)\n{work}")
    assert "result 3" in out.splitlines(), out


def test_a_registered_module_that_claims_a_kind_twice_is_named(environment):
    class Again:
        @funboost_core.hookimpl
        def funboost_brokers(self):
            return [funboost_core.BrokerSpec("MINE", object, funboost_core.Capability.PUBLISH)]

    class First(Again):
        pass

    register_plugin(First(), environment)
    with pytest.raises(DuplicateKind, match=r"'MINE'.*First.*Again.*Uninstall one"):
        register_plugin(Again(), environment)


# -- made for another core -------------------------------------------------------------------------------------------------

INCOMPATIBLE = {
    "a name that this core does not have": ("from funboost_core import Telepathy", "Telepathy"),
    "a module that this core does not have": ("import funboost_core.telepathy", "funboost_core.telepathy"),
    "a hook with unknown arguments": (
        """
        from funboost_core import hookimpl

        @hookimpl
        def funboost_judge(delivery, outcome, weather):
            return None
        """,
        "weather",
    ),
    "an unknown hook": (
        """
        from funboost_core import hookimpl

        @hookimpl
        def funboost_from_the_future(delivery):
            return None
        """,
        "funboost_from_the_future",
    ),
}


@pytest.mark.parametrize(("source", "reason"), INCOMPATIBLE.values(), ids=INCOMPATIBLE)
def test_a_plugin_for_another_core_is_refused_by_name(environment, install, source, reason):
    module = install("funboost.brokers", "OWL", source)
    with pytest.raises(PluginIncompatible) as caught:
        task(environment, broker_kind="OWL").push(1)
    text = str(caught.value)
    assert module in text
    assert f"funboost-core {funboost_core.__version__}" in text
    assert reason in text
    assert "Install versions that belong together" in text


def test_the_others_still_work_beside_an_incompatible_plugin(environment, install):
    install("funboost.brokers", "OWL", "from funboost_core import Telepathy")
    assert "OWL" in environment.catalog.kinds("brokers")
    assert environment.catalog.find("brokers", "MEMORY_QUEUE").kind == "MEMORY_QUEUE"


def test_a_record_of_the_wrong_type_is_refused_by_name(environment, install):
    module = install(
        "funboost.brokers",
        "OWL",
        """
        from funboost_core import hookimpl

        @hookimpl
        def funboost_brokers():
            return [{"kind": "OWL"}]
        """,
    )
    with pytest.raises(ConfigError, match=rf"{module}.*'OWL'.*must return BrokerSpec"):
        task(environment, broker_kind="OWL").push(1)


# -- not installed at all --------------------------------------------------------------------------------------------------


def test_a_broker_that_is_not_installed_names_its_distribution(environment):
    with pytest.raises(UnknownKind) as caught:
        task(environment, broker_kind="CARRIER_PIGEON").push(1)
    text = str(caught.value)
    assert text.startswith("No broker called 'CARRIER_PIGEON' is installed (installed: ")
    assert "MEMORY_QUEUE" in text
    assert "pip install funboost-broker-carrier-pigeon" in text


def test_a_misspelt_broker_is_guessed(environment):
    with pytest.raises(UnknownKind, match="Did you mean 'MEMORY_QUEUE'"):
        task(environment, broker_kind="MEMRY_QUEUE").push(1)


def test_a_pool_that_is_not_installed_names_its_distribution(environment):
    consuming = task(environment, broker_kind="MEMORY_QUEUE", concurrent_mode="fibers")
    with pytest.raises(UnknownKind, match=r"No pool called 'fibers'.*pip install funboost-pool-fibers"):
        consuming.consume()


def test_a_store_that_is_not_installed_names_its_distribution():
    environment = Environment({"STATE_URL": "etcd://localhost", "BROKER_KIND": "MEMORY_QUEUE"})
    with pytest.raises(UnknownKind, match=r"No store called 'etcd'.*pip install funboost-store-etcd"):
        task(environment).pause_consume()
    environment.close()
