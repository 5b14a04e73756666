"""An engine declares truthfully."""

from __future__ import annotations

import pytest

from funboost_core import BoosterParams, Capability, EngineBroker
from funboost_core.ports.broker import Broker
from funboost_core.records import BrokerSpec, resolve

from ..brokers.base import name_of
from ..brokers.declaring import DeclarationTests
from .base import EngineSuite

_METHODS = {Capability.COUNT: "count", Capability.PURGE: "purge"}


class EngineDeclarationTests(DeclarationTests, EngineSuite):
    """The record, its options, what it owns."""

    @pytest.mark.parametrize("capability", _METHODS, ids=name_of)
    def test_a_method_is_there_exactly_if_its_capability_is_declared(
        self, spec: BrokerSpec, capability: Capability
    ) -> None:
        """An engine that counts but does not declare COUNT is as wrong as one that declares it and does not count."""
        name = _METHODS[capability]
        overridden = getattr(resolve(spec.factory), name) is not getattr(Broker, name)
        declared = capability in spec.capabilities
        assert overridden == declared, f"{spec.kind}: {name}() and {name_of(capability)} must be there both or neither"

    def test_it_is_an_engine_and_names_parameters_that_there_are(self, spec: BrokerSpec) -> None:
        """`owns` is a set, be it empty, of names of `BoosterParams`."""
        factory = resolve(spec.factory)
        assert isinstance(factory, type) and issubclass(factory, EngineBroker), f"{spec.kind} is no EngineBroker"
        assert spec.owns is not None, f"the record of {spec.kind} says nothing about what it owns"
        unknown = sorted(spec.owns - BoosterParams.model_fields.keys())
        assert not unknown, f"{spec.kind} owns {unknown}, which are no parameters"

    def test_what_works_only_for_other_brokers_is_not_declared(self, spec: BrokerSpec) -> None:
        """Settling is the engine's own: it has no second queue, no offsets, nothing to keep alive."""
        others = Capability.SECOND_QUEUE | Capability.OFFSET_ACK | Capability.NEEDS_IDLE | Capability.BROADCAST
        wrong = [name_of(flag) for flag in Capability if flag in others and flag in spec.capabilities]
        assert not wrong, f"{spec.kind} declares {wrong}"
