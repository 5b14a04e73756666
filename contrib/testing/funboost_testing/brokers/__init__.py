"""Conformance suites of brokers.

Subclass `PullBrokerSuite` in a test module, name the kind, and every test that its declared capabilities call for runs;
what is not declared is checked for not being there::

    class TestMyBroker(PullBrokerSuite):
        kind = "MY_BROKER"

`PushBrokerSuite` is for brokers that call us; `ListenerBrokerSuite` for those among them where nothing keeps messages
while nobody consumes, because the consumer itself is the server (sockets, HTTP).
"""

from __future__ import annotations

from .acknowledging import AcknowledgingTests
from .base import BrokerSuite
from .basics import BasicTests
from .declaring import DeclarationTests
from .moving import MovingTests
from .ordering import OrderingTests
from .pushing import PushingTests
from .sharing import SharingTests
from .working import WorkingTests

__all__ = ["BrokerSuite", "ListenerBrokerSuite", "PullBrokerSuite", "PushBrokerSuite"]


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


class ListenerBrokerSuite(PushingTests, DeclarationTests):
    """All that a `PushBroker` promises that is its own server."""


class PushBrokerSuite(PushingTests, PullBrokerSuite):
    """All that a `PushBroker` promises whose server keeps messages: also what is fetched through its sink."""
