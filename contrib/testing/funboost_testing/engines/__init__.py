"""Conformance suite of engines: brokers where another framework executes.

Subclass `EngineBrokerSuite` in a test module and name the kind; what its record declares (capabilities, `owns`) decides
which tests run::

    class TestMyEngine(EngineBrokerSuite):
        kind = "MY_ENGINE"
"""

from __future__ import annotations

from .base import EngineSuite
from .declaring import EngineDeclarationTests
from .ending import EngineEndingTests
from .failing import EngineFailingTests
from .owning import EngineOwningTests
from .running import EngineRunningTests

__all__ = ["EngineBrokerSuite", "EngineSuite"]


class EngineBrokerSuite(
    EngineDeclarationTests,
    EngineRunningTests,
    EngineFailingTests,
    EngineOwningTests,
    EngineEndingTests,
):
    """All that an `EngineBroker` promises: at its port, and to who writes tasks."""
