"""What every `Replies` must do."""

from __future__ import annotations

import threading

import pytest

from funboost_core.native import Condition, sleep
from funboost_core.ports.store import StateStore

from ..topics import skip
from .base import Call, StoreSuite, TestClock, together

LONG = 99_999
"""Units: the clock may run far ahead of threads that get no processor."""


class Heard:
    """What a subscriber was told; can be waited for."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        self._changed = Condition()

    def tell(self, task_id: str, payload: bytes) -> None:
        """The subscriber."""
        with self._changed:
            self.told.append((task_id, payload))
            self._changed.notify_all()

    def until(self, count: int) -> list[tuple[str, bytes]]:
        """All of it in order of the ids, once it is `count` at least; AssertionError after 30 seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.told) >= count, 30), f"told only of {self.told}"
            return sorted(self.told)


class RepliesSuite(StoreSuite):
    """Replies reach all who wait, at once, can be read again, and expire."""

    funboost_topics = ("replies",)

    def test_reply_unknown(self, store: StateStore) -> None:
        assert store.replies.get("nobody", 0) is None

    def test_reply_is_kept_byte_for_byte_and_can_be_read_repeatedly(self, store: StateStore) -> None:
        for payload in (b'{"result": "\xe5\x8c\x97"}', b"", b"x" * 1_000_000):
            store.replies.put("t:1/\u5317 '%_", payload, self.unit)
            assert [store.replies.get("t:1/\u5317 '%_", timeout) for timeout in (0, 1)] == [payload] * 2

    def test_reply_expires(self, store: StateStore, clock: TestClock) -> None:
        store.replies.put("short", b"1", self.unit)
        store.replies.put("long", b"2", self.unit * 3)
        clock.advance(self.unit * 2)
        assert store.replies.get("short", 0) is None
        assert store.replies.get("long", 0) == b"2"

    def test_reply_put_again_replaces_and_lives_on(self, store: StateStore, clock: TestClock) -> None:
        store.replies.put("t", b"1", self.unit)
        store.replies.put("t", b"2", self.unit * 3)
        clock.advance(self.unit * 2)
        assert store.replies.get("t", 0) == b"2"

    def test_reply_wakes_who_waits(self, store: StateStore, clock: TestClock) -> None:
        waiting = Call(store.replies.get, "t", self.unit * 100)
        clock.until_waiting(1)
        store.replies.put("unrelated", b"0", self.unit)
        store.replies.put("t", b"1", self.unit)
        assert waiting.result() == b"1"

    def test_reply_wakes_who_waits_for_an_expired_one(self, store: StateStore, clock: TestClock) -> None:
        store.replies.put("t", b"old", self.unit)
        clock.advance(self.unit * 2)
        waiting = Call(store.replies.get, "t", self.unit * 100)
        clock.until_waiting(1)
        store.replies.put("t", b"new", self.unit)
        assert waiting.result() == b"new"

    def test_reply_wait_ends_with_its_timeout(self, store: StateStore, clock: TestClock) -> None:
        short, long = Call(store.replies.get, "t", self.unit), Call(store.replies.get, "t", self.unit * 50)
        clock.until_waiting(2)
        clock.advance(self.unit * 1.5)
        assert short.result() is None
        assert long.running()
        store.replies.put("t", b"1", self.unit)
        assert long.result() == b"1"

    def test_reply_many_wait_and_each_gets_its_own(self, store: StateStore, clock: TestClock) -> None:
        calls = [Call(store.replies.get, f"t{i % 100}", self.unit * 100) for i in range(200)]
        clock.until_waiting(200)
        together(store.replies.put, [(f"t{i}", str(i).encode(), self.unit) for i in range(100)])
        assert [call.result() for call in calls] == [str(i % 100).encode() for i in range(200)]

    def test_reply_survives_one_of_its_readers_giving_up(self, store: StateStore, clock: TestClock) -> None:
        calls = [Call(store.replies.get, f"t{i}", self.unit * (i + 1)) for i in range(4)]
        clock.until_waiting(4)
        for i in range(3):
            clock.advance(self.unit)
            assert calls[i].result() is None
        assert calls[3].running()
        store.replies.put("t3", b"3", self.unit * 9)
        assert calls[3].result() == b"3"

    def test_reply_crosses_stores(self, store: StateStore, other: StateStore, clock: TestClock) -> None:
        long = self.unit * LONG
        other.replies.put("early", b"0", long)
        assert store.replies.get("early", self.unit) == b"0"
        calls = [Call(store.replies.get, f"t{i}", long) for i in range(20)]
        clock.until_waiting(20)
        for i in range(20):
            other.replies.put(f"t{i}", str(i).encode(), long)
        while any(call.running(0.001) for call in calls):
            clock.advance(self.unit / 100)
        assert [call.result() for call in calls] == [str(i).encode() for i in range(20)]

    def test_reply_crosses_stores_after_other_readers_gave_up(
        self, store: StateStore, other: StateStore, clock: TestClock
    ) -> None:
        ttl = self.unit * LONG
        short = [Call(store.replies.get, f"s{i}", self.unit) for i in range(20)]
        clock.until_waiting(20)
        long = Call(store.replies.get, "long", ttl)
        clock.until_waiting(21)
        clock.advance(self.unit * 1.1)
        assert [call.result() for call in short] == [None] * 20
        other.replies.put("long", b"1", ttl)
        while long.running(0.001):
            clock.advance(self.unit / 100)
        assert long.result() == b"1"

    # -- subscribers: what waits without a thread -------------------------------------------------------------------

    @pytest.fixture
    def heard(self) -> Heard:
        """What subscribers were told."""
        return Heard()

    def subscribe(self, request: pytest.FixtureRequest, store: StateStore, heard: Heard, *task_ids: str) -> None:
        """Subscribe; a store that leaves it at being asked again and again has nothing to be tested here."""
        if not store.replies.subscribe(task_ids, heard.tell):
            skip(request, "the store cannot tell subscribers")

    def test_subscribers_are_told_once_of_what_comes_and_of_what_is_there(
        self, store: StateStore, request: pytest.FixtureRequest, heard: Heard
    ) -> None:
        store.replies.put("there", b"0", self.unit * 9)
        self.subscribe(request, store, heard, "there", "a", "b/\u5317 '%_")
        store.replies.put("b/\u5317 '%_", b"", self.unit * 9)
        store.replies.put("unrelated", b"x", self.unit * 9)
        store.replies.put("a", b"1", self.unit * 9)
        assert heard.until(3) == [("a", b"1"), ("b/\u5317 '%_", b""), ("there", b"0")]
        store.replies.put("a", b"2", self.unit * 9)
        self.subscribe(request, store, heard, "end")
        store.replies.put("end", b"", self.unit * 9)
        assert len(heard.until(4)) == 4
        assert store.replies.get("a", 0) == b"2"  # nothing was taken away

    def test_who_unsubscribes_is_not_told(
        self, store: StateStore, request: pytest.FixtureRequest, heard: Heard
    ) -> None:
        other = Heard()
        self.subscribe(request, store, heard, "a", "b", "end")
        self.subscribe(request, store, other, "a")
        store.replies.unsubscribe(["a", "b", "nobody's"], heard.tell)
        for task_id in ("a", "b", "end"):
            store.replies.put(task_id, b"1", self.unit * 9)
        assert heard.until(1) == [("end", b"1")]
        assert other.until(1) == [("a", b"1")]

    def test_thousands_subscribe_and_each_is_told_its_own(
        self, store: StateStore, request: pytest.FixtureRequest, heard: Heard
    ) -> None:
        names = [f"t{i:04}" for i in range(2000)]
        before = set(threading.enumerate())
        self.subscribe(request, store, heard, *names[:1500])
        for name in names[1500:]:
            self.subscribe(request, store, heard, name)
        assert len(set(threading.enumerate()) - before) <= 2
        for name in names:
            store.replies.put(name, name.encode(), self.unit * 99)
        assert heard.until(2000) == [(name, name.encode()) for name in names]

    def test_subscribers_are_told_of_what_other_stores_put(
        self, store: StateStore, other: StateStore, clock: TestClock, request: pytest.FixtureRequest, heard: Heard
    ) -> None:
        long = self.unit * LONG
        other.replies.put("early", b"0", long)
        self.subscribe(request, store, heard, "early", *(f"t{i:02}" for i in range(20)))
        waiting = Call(store.replies.get, "t07", long)  # threads that wait and subscribers side by side
        for i in range(20):
            other.replies.put(f"t{i:02}", str(i).encode(), long)
        while waiting.running(0.001) or len(heard.told) < 21:
            clock.advance(self.unit / 100)
        assert waiting.result() == b"7"
        assert heard.until(21) == [("early", b"0"), *((f"t{i:02}", str(i).encode()) for i in range(20))]

    def test_subscribers_are_told_after_a_thread_that_looked_for_them_gave_up(
        self, store: StateStore, other: StateStore, clock: TestClock, request: pytest.FixtureRequest, heard: Heard
    ) -> None:
        waiting = Call(store.replies.get, "never", self.unit)
        clock.until_waiting(1)
        self.subscribe(request, store, heard, "t")
        while waiting.running(0.001):
            clock.advance(self.unit / 10)
        assert waiting.result() is None
        other.replies.put("t", b"1", self.unit * LONG)
        while not heard.told:
            clock.advance(self.unit / 100)
            sleep(0.001)
        assert heard.until(1) == [("t", b"1")]
