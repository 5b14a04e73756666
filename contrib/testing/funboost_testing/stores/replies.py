"""What every `Replies` must do."""

from __future__ import annotations

from funboost_core.ports.store import StateStore

from .base import Call, StoreSuite, TestClock, together


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
        other.replies.put("early", b"0", self.unit * 99)
        assert store.replies.get("early", self.unit) == b"0"
        calls = [Call(store.replies.get, f"t{i}", self.unit * 50) for i in range(20)]
        clock.until_waiting(20)
        for i in range(20):
            other.replies.put(f"t{i}", str(i).encode(), self.unit * 99)
        while any(call.running(0.001) for call in calls):
            clock.advance(self.unit / 100)
        assert [call.result() for call in calls] == [str(i).encode() for i in range(20)]

    def test_reply_crosses_stores_after_other_readers_gave_up(
        self, store: StateStore, other: StateStore, clock: TestClock
    ) -> None:
        short = [Call(store.replies.get, f"s{i}", self.unit) for i in range(20)]
        clock.until_waiting(20)
        long = Call(store.replies.get, "long", self.unit * 50)
        clock.until_waiting(21)
        clock.advance(self.unit * 1.1)
        assert [call.result() for call in short] == [None] * 20
        other.replies.put("long", b"1", self.unit * 99)
        while long.running(0.001):
            clock.advance(self.unit / 100)
        assert long.result() == b"1"
