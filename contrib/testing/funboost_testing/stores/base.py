"""What the suites share: the clock, the store under test, and threads that are always joined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, Union

import pytest

from funboost_core.native import Thread
from funboost_core.ports.store import StateStore

from ..clock import FakeClock, RealTimeClock

TestClock = Union[FakeClock, RealTimeClock]
MakeStore = Callable[[Any], StateStore]
"""``make_store(clock)`` opens the store under test; further calls open the same place again."""


class StoreSuite:
    """Base of the suites.

    Override the fixture `make_store`.  A store whose server keeps the time overrides `clock` with `RealTimeClock`,
    `unit` with a small number of seconds and `tolerance` with what its clock and network may add.
    """

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
    def other(self, make_store: MakeStore, clock: TestClock, store: StateStore) -> Iterator[StateStore]:
        """A second opening of the same store, as another process would have."""
        if not store.cross_process:
            pytest.skip("the store lives within one object")
        other = make_store(clock)
        yield other
        other.close()


class Call:
    """``function(*args)`` on a thread of its own."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(function, args), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            self._value = function(*args)
        except BaseException as error:  # raised again by `result`
            self._error = error

    def running(self, seconds: float = 0.0) -> bool:
        """Whether it has not returned within `seconds` of real time."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def result(self) -> Any:
        """What it returned or raised; AssertionError when it hangs."""
        assert not self.running(30), "the call has not returned"
        if self._error is not None:
            raise self._error
        return self._value


def together(function: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """The results of calling `function` with each of `arguments`, all at the same time."""
    return [call.result() for call in [Call(function, *args) for args in arguments]]
