"""Conformance suites of brokers.

Subclass `PullBrokerSuite` in a test module, name the kind, and every test that its declared capabilities call for runs;
what is not declared is checked for not being there::

    class TestMyBroker(PullBrokerSuite):
        kind = "MY_BROKER"
"""

from __future__ import annotations

from .acknowledging import AcknowledgingTests
from .base import BrokerSuite
from .basics import BasicTests
from .declaring import DeclarationTests
from .moving import MovingTests
from .ordering import OrderingTests
from .sharing import SharingTests
from .working import WorkingTests

__all__ = ["BrokerSuite", "PullBrokerSuite"]


class PullBrokerSuite(
    DeclarationTests,
    BasicTests,
    AcknowledgingTests,
    MovingTests,
    OrderingTests,
    SharingTests,
    WorkingTests,
):
    """All that a `PullBroker` promises, at its port and through the whole consuming line."""
