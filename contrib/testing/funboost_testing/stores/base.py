"""What the suites share: the clock, the store under test, and threads that are always joined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, ClassVar, Union

import pytest

from funboost_core.ports.store import StateStore

from ..calls import Call, together
from ..clock import FakeClock, RealTimeClock
from ..topics import skip

__all__ = ["Call", "MakeStore", "StoreSuite", "TestClock", "together"]

TestClock = Union[FakeClock, RealTimeClock]
MakeStore = Callable[[Any], StateStore]
"""``make_store(clock)`` opens the store under test; further calls open the same place again."""


class StoreSuite:
    """Base of the suites.

    Override the fixture `make_store`.  A store whose server keeps the time overrides `clock` with `RealTimeClock`,
    `unit` with a small number of seconds and `tolerance` with what its clock and network may add.  `kind` is its name in
    the report.
    """

    funboost_room: ClassVar[str] = "stores"
    kind: ClassVar[str] = ""

    unit: float = 10.0
    """Seconds that a test calls one unit; every TTL and wait is a few of them."""
    tolerance: float = 1e-6
    """By how many seconds a time may be off."""

    @pytest.fixture
    def clock(self) -> TestClock:
        """Time; moved by hand."""
        return FakeClock()

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Must be overridden."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture make_store (see the README)")

    @pytest.fixture
    def store(self, make_store: MakeStore, clock: TestClock) -> Iterator[StateStore]:
        """The store under test."""
        store = make_store(clock)
        yield store
        store.close()

    @pytest.fixture
    def other(
        self, request: pytest.FixtureRequest, make_store: MakeStore, clock: TestClock, store: StateStore
    ) -> Iterator[StateStore]:
        """A second opening of the same store, as another process would have."""
        if not store.cross_process:
            skip(request, "the store lives within one object")
        other = make_store(clock)
        yield other
        other.close()
