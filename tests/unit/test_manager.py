"""manager: what plugins declare is indexed, and a registration that fails leaves nothing behind."""

from __future__ import annotations

import types

import pytest
from funboost_testing.calls import Call

from funboost_core import BrokerSpec, Capability, Environment, PoolSpec, hookimpl, register_plugin
from funboost_core.binding import bind
from funboost_core.errors import ConfigError, DuplicateKind, PluginIncompatible


def broker(*kinds):
    """A plugin class of its own that declares these kinds."""

    class Plugin:
        @hookimpl
        def funboost_brokers(self):
            return [BrokerSpec(kind, object, Capability.PUBLISH) for kind in kinds]

    return Plugin


def notified(environment, hook="funboost_worker_stopping"):
    return bind(environment.manager.scoped(()), hook, "worker")


def test_declarations_are_indexed_by_room_and_kind_in_any_case():
    manager = Environment().manager
    manager.register(broker("Pigeon", "OWL")())
    assert manager.find("brokers", "PIGEON") is manager.find("brokers", "pigeon")
    assert set(manager.specs("brokers")) == {"Pigeon", "OWL"}
    assert manager.find("brokers", "crow") is None
    assert manager.find("pools", "owl") is None


def test_a_duplicate_kind_names_both_plugins_and_changes_nothing():
    manager = Environment().manager
    first, second = broker("OWL"), broker("CROW", "owl")
    first.__qualname__, second.__qualname__ = "First", "Second"
    manager.register(first())
    with pytest.raises(DuplicateKind, match=r"broker 'owl'.*First.*Second"):
        manager.register(second())
    assert set(manager.specs("brokers")) == {"OWL"}
    assert manager.find("brokers", "crow") is None


def test_registering_the_same_object_again_does_nothing():
    manager, plugin = Environment().manager, broker("OWL")()
    manager.register(plugin)
    manager.register(plugin)
    assert set(manager.specs("brokers")) == {"OWL"}


def test_two_objects_of_one_class_are_two_plugins():
    environment, seen = Environment(), []

    class Plugin:
        def __init__(self, name):
            self.name = name

        @hookimpl
        def funboost_worker_stopping(self):
            seen.append(self.name)

    environment.manager.register(Plugin("a"))
    environment.manager.register(Plugin("b"))
    for notify in notified(environment):
        notify(None)
    assert sorted(seen) == ["a", "b"]


def test_a_failed_registration_is_rolled_back_and_may_be_repeated():
    environment, good = Environment(), []

    class Plugin:
        @hookimpl
        def funboost_brokers(self):
            return good or [BrokerSpec("OWL", object, Capability.PUBLISH), "not a record"]

        @hookimpl
        def funboost_admit(self):
            return None

        @hookimpl
        def funboost_worker_stopping(self):
            return None

    plugin = Plugin()
    with pytest.raises(ConfigError, match=r"Plugin.*declares 'not a record' among the brokers.*BrokerSpec"):
        environment.manager.register(plugin)
    assert environment.manager.specs("brokers") == {}
    assert notified(environment) == ()
    assert bind(environment.manager.scoped(()), "funboost_admit") == ()
    good.append(BrokerSpec("OWL", object, Capability.PUBLISH))
    environment.manager.register(plugin)
    assert set(environment.manager.specs("brokers")) == {"OWL"}
    assert len(notified(environment)) == 1


def test_an_error_inside_a_declaration_is_rolled_back_too():
    environment = Environment()

    class Plugin:
        @hookimpl
        def funboost_brokers(self):
            raise RuntimeError("no feathers")

        @hookimpl
        def funboost_worker_stopping(self):
            return None

    with pytest.raises(RuntimeError, match="no feathers"):
        environment.manager.register(Plugin())
    assert notified(environment) == ()


def test_a_hook_that_takes_other_arguments_is_incompatible():
    environment = Environment()

    class Plugin:
        @hookimpl
        def funboost_admit(self, delivery):
            return None

        @hookimpl
        def funboost_judge(self, delivery, weather):
            return None

    with pytest.raises(PluginIncompatible, match=r"Plugin does not fit this funboost-core 0\..*weather"):
        environment.manager.register(Plugin())
    assert bind(environment.manager.scoped(()), "funboost_admit", "delivery") == ()


def test_a_hook_that_does_not_exist_is_incompatible_unless_optional():
    environment = Environment()

    class Plugin:
        @hookimpl
        def funboost_from_the_future(self):
            return None

    with pytest.raises(PluginIncompatible, match="funboost_from_the_future"):
        environment.manager.register(Plugin())

    class Optional:
        @hookimpl(optionalhook=True)
        def funboost_from_the_future(self):
            return None

    environment.manager.register(Optional())


def test_a_broken_plugin_does_not_keep_others_out():
    environment = Environment()

    class Broken:
        @hookimpl
        def funboost_nonsense(self):
            return None

    with pytest.raises(PluginIncompatible):
        environment.manager.register(Broken())
    environment.manager.register(broker("OWL")())
    assert set(environment.manager.specs("brokers")) == {"OWL"}


def test_blocked_plugins_stay_out():
    module = types.ModuleType("noisy")

    @hookimpl
    def funboost_worker_stopping():
        return None

    module.funboost_worker_stopping = funboost_worker_stopping
    environment = Environment({"DISABLE_PLUGINS": "other, noisy"})
    environment.manager.register(module)
    assert environment.manager.is_blocked("noisy")
    assert notified(environment) == ()
    open_to_all = Environment()
    open_to_all.manager.register(module)
    assert len(notified(open_to_all)) == 1


def test_unregister_forgets_hooks_and_declarations():
    environment, plugin = Environment(), broker("OWL")()
    environment.manager.register(plugin)
    environment.manager.register(broker("CROW")())
    environment.manager.unregister(plugin)
    assert set(environment.manager.specs("brokers")) == {"CROW"}
    environment.manager.register(broker("OWL")())
    assert set(environment.manager.specs("brokers")) == {"CROW", "OWL"}


def test_a_declaration_that_makes_another_plugin_load_keeps_its_owner():
    manager = Environment().manager
    inner = broker("OWL")()

    class Outer:
        @hookimpl
        def funboost_brokers(self):
            manager.register(inner)
            return [BrokerSpec("CROW", object, Capability.PUBLISH)]

    outer = Outer()
    manager.register(outer)
    manager.unregister(outer)
    assert set(manager.specs("brokers")) == {"OWL"}


def test_hooks_of_one_task_concern_only_that_task():
    environment, seen = Environment(), []

    class Plugin:
        def __init__(self, name):
            self.name = name

        @hookimpl
        def funboost_worker_stopping(self):
            seen.append(self.name)

    everywhere, here, also = Plugin("everywhere"), Plugin("here"), Plugin("also")
    environment.manager.register(everywhere)
    scoped = environment.manager.scoped([here, also, everywhere])
    for notify in bind(scoped, "funboost_worker_stopping", "worker"):
        notify(None)
    assert sorted(seen) == ["also", "everywhere", "here"]
    assert len(notified(environment)) == 1


def test_incompatible_hooks_of_one_task_are_named():
    class Plugin:
        @hookimpl
        def funboost_judge(self, weather):
            return None

    with pytest.raises(PluginIncompatible, match="weather"):
        Environment().manager.scoped([Plugin()])


def test_tracing_logs_each_call(caplog):
    environment = Environment({"TRACE_HOOKS": "1"})
    with caplog.at_level("INFO", "funboost.plugins"):
        environment.manager.register(broker("OWL")())
        environment.manager.hook.funboost_worker_stopping(worker=None)
    assert "funboost_worker_stopping" in caplog.text


def test_register_plugin_uses_the_default_environment_unless_told(monkeypatch):
    monkeypatch.setattr("funboost_core.environment._default", None)
    from funboost_core import default

    mine = Environment()
    register_plugin(broker("OWL")(), mine)
    assert default().manager.specs("brokers") == {}

    class Pool:
        @hookimpl
        def funboost_pools(self):
            return [PoolSpec("fibres", object)]

    register_plugin(Pool())
    assert set(default().manager.specs("pools")) == {"fibres"}
    assert mine.manager.specs("pools") == {}


def test_who_registers_what_another_thread_is_registering_waits_for_it():
    manager, others = Environment().manager, []

    class Slow:
        @hookimpl
        def funboost_brokers(self):
            others.append(Call(lambda: (manager.register(slow), manager.find("brokers", "owl"))[1]))
            assert others[0].running(0.5)
            return [BrokerSpec("OWL", object, Capability.PUBLISH)]

    slow = Slow()
    manager.register(slow)
    assert others[0].result() is manager.find("brokers", "owl")


def test_a_registration_that_fails_takes_nothing_of_another_threads_along():
    manager, others = Environment().manager, []

    class Failing:
        @hookimpl
        def funboost_brokers(self):
            others.append(Call(manager.register, broker("CROW")()))
            others[0].running(0.5)
            return [BrokerSpec("OWL", object, Capability.PUBLISH)]

    manager.register(broker("OWL")())
    with pytest.raises(DuplicateKind):
        manager.register(Failing())
    others[0].result()
    assert manager.find("brokers", "crow") is not None
