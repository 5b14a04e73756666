"""The plugin declares truthfully: what is declared is there (other tests), what is not declared is not there either."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel

from funboost_core import BoosterParams, Capability, ConfigError, Environment, PullBroker, PushBroker
from funboost_core.records import BrokerSpec, resolve
from funboost_core.task import Task

from .base import BrokerSuite, name_of

_METHODS = {
    Capability.COUNT: "count",
    Capability.PURGE: "purge",
    Capability.ACK: "ack",
    Capability.REQUEUE: "requeue",
    Capability.SECOND_QUEUE: "forward",
    Capability.NEEDS_IDLE: "idle",
}

_IMPORTED = """
import importlib, sys, funboost_core.records, funboost_core.hookspecs, pydantic
from funboost_core import BrokerSpec, Capability, hookimpl
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
new = {name.partition(".")[0] for name in set(sys.modules) - before}
ours = {name.partition(".")[0] for name in sys.argv[1:]} | {"funboost_core", "pydantic"}
print(*sorted(new - ours - set(getattr(sys, "stdlib_module_names", ()))))
"""
"""Names what the import of a plugin brings with it."""


class DeclarationTests(BrokerSuite):
    """The record, its options, and the laziness of its module."""

    @pytest.fixture
    def spec(self, environment: Environment) -> BrokerSpec:
        """The broker's record."""
        found: BrokerSpec = environment.catalog.find("brokers", self.kind)
        return found

    def test_the_record_says_what_it_is(self, spec: BrokerSpec) -> None:
        """Kind and summary are filled in."""
        assert spec.kind.casefold() == self.kind.casefold()
        assert spec.summary, f"{spec.kind} has no summary"

    @pytest.mark.parametrize("capability", _METHODS, ids=name_of)
    def test_a_method_is_there_exactly_if_its_capability_is_declared(
        self, spec: BrokerSpec, capability: Capability
    ) -> None:
        """A broker that counts but does not declare COUNT is as wrong as one that declares it and does not count."""
        name = _METHODS[capability]
        cls = resolve(spec.factory)
        base = PushBroker if isinstance(cls, type) and issubclass(cls, PushBroker) else PullBroker
        overridden = getattr(cls, name, None) is not getattr(base, name, None)
        declared = capability in spec.capabilities
        label = name_of(capability)
        if declared and capability is not Capability.REQUEUE:
            assert overridden, f"{spec.kind} declares {label} but does not implement {name}()"
        if overridden:
            assert declared, f"{spec.kind} implements {name}() but does not declare {label}"

    def test_options_are_a_documented_model(self, spec: BrokerSpec) -> None:
        """Each option has a description, and a wrong value is refused with its name."""
        if spec.options is None:
            return
        model = resolve(spec.options) if isinstance(spec.options, str) else spec.options
        assert isinstance(model, type) and issubclass(model, BaseModel), f"options of {spec.kind} are no pydantic model"
        undocumented = [name for name, field in model.model_fields.items() if not field.description]
        assert not undocumented, f"options without a description: {undocumented}"

    def test_a_wrong_option_is_refused_by_name(self, spec: BrokerSpec, environment: Environment) -> None:
        """The error names the option and the value."""
        if spec.options is None:
            return
        model: Any = resolve(spec.options) if isinstance(spec.options, str) else spec.options
        name = next(iter(model.model_fields))
        task = Task(BoosterParams(queue_name="q", broker_exclusive_config={name: object()}), None, environment)
        with pytest.raises(ConfigError, match=name):
            _ = task.options

    def test_an_unknown_option_is_an_error_in_strict_mode(self, environment: Environment) -> None:
        """And the error names it."""
        environment.settings.values["STRICT"] = True
        task = Task(BoosterParams(queue_name="q", broker_exclusive_config={"no_such_option": 1}), None, environment)
        with pytest.raises(ConfigError, match="no_such_option"):
            _ = task.options

    def test_declaring_imports_no_client(self, spec: BrokerSpec, environment: Environment) -> None:
        """The module of the entry point imports nothing but the core and what the core imports itself."""
        entry = environment.catalog.installed("brokers").get(self.kind.casefold())
        modules = [entry.value.partition(":")[0]] if entry is not None else list(self.plugins)
        if not modules:
            pytest.skip(f"{self.kind} is neither installed nor named in `plugins`")
        path = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", _IMPORTED, *modules]
        loaded = subprocess.run(command, capture_output=True, text=True, check=True, env=path).stdout.split()
        assert not loaded, (
            f"{modules[0]} imports {loaded}. Name factory and options of the BrokerSpec as text, 'package.module:Name', "
            "and import clients and pydantic in those modules"
        )
