"""What every `Filter` must do."""

from __future__ import annotations

from funboost_core.ports.store import StateStore

from .base import StoreSuite, TestClock, together


class FilterSuite(StoreSuite):
    """A key belongs to one holder until its lease ends, it is given up, or the work is done."""

    funboost_topics = ("filter",)

    def claim_key(self, store: StateStore, key: str, holder: str, scope: str = "s") -> str | None:
        """Claim for one unit."""
        return store.filter.claim(scope, key, holder, self.unit)

    def test_filter_one_holder(self, store: StateStore) -> None:
        assert self.claim_key(store, '{"x": "\u5317"}', "t1") is None
        assert self.claim_key(store, '{"x": "\u5317"}', "t2") == "t1"
        assert self.claim_key(store, '{"x": "\u5317"}', "t1") is None
        assert self.claim_key(store, '{"x": "y"}', "t2") is None

    def test_filter_scopes_are_apart(self, store: StateStore) -> None:
        assert self.claim_key(store, "k", "t1", "a") is None
        assert self.claim_key(store, "k", "t2", "b") is None
        store.filter.keep("a", "k", None)
        assert self.claim_key(store, "k", "t2", "b") is None

    def test_filter_lease_ends(self, store: StateStore, clock: TestClock) -> None:
        assert self.claim_key(store, "k", "t1") is None
        clock.advance(self.unit * 2)
        assert self.claim_key(store, "k", "t2") is None
        assert self.claim_key(store, "k", "t1") == "t2"

    def test_filter_claiming_again_renews_the_lease(self, store: StateStore, clock: TestClock) -> None:
        for _ in range(4):
            assert self.claim_key(store, "k", "t1") is None
            clock.advance(self.unit * 0.6)
        assert self.claim_key(store, "k", "t2") == "t1"

    def test_filter_renewing_lets_the_lease_begin_anew(self, store: StateStore, clock: TestClock) -> None:
        for key in ("a", "b"):
            self.claim_key(store, key, "t1")
        for _ in range(4):
            clock.advance(self.unit * 0.6)
            store.filter.renew([("s", "a", "t1")], self.unit)
        store.filter.renew([], self.unit)
        assert self.claim_key(store, "a", "t2") == "t1"
        assert self.claim_key(store, "b", "t2") is None

    def test_filter_renewing_for_longer_and_for_shorter(self, store: StateStore, clock: TestClock) -> None:
        for key in ("long", "short"):
            store.filter.claim("s", key, "t1", self.unit * 3)
        store.filter.renew([("s", "long", "t1")], self.unit * 9)
        store.filter.renew([("s", "short", "t1")], self.unit)
        clock.advance(self.unit * 2)
        assert self.claim_key(store, "short", "t2") is None
        clock.advance(self.unit * 4)
        assert self.claim_key(store, "long", "t2") == "t1"

    def test_filter_renewing_revives_nothing(self, store: StateStore, clock: TestClock) -> None:
        """A beat may come after the message has ended."""
        self.claim_key(store, "given up", "t1")
        store.filter.release("s", "given up", "t1")
        self.claim_key(store, "kept", "t1")
        store.filter.keep("s", "kept", self.unit * 2)
        self.claim_key(store, "another's", "t2")
        keys = ("given up", "kept", "another's", "never claimed")
        store.filter.renew([("s", key, "t1") for key in keys] + [("s2", "given up", "t1")], self.unit * 9)
        answers = [self.claim_key(store, key, "t3") for key in keys]
        assert answers == [None, "done", "t2", None]
        clock.advance(self.unit * 3)
        assert [self.claim_key(store, key, "t3") for key in keys] == [None] * 4

    def test_filter_kept_key_is_done_for_everybody(self, store: StateStore, clock: TestClock) -> None:
        self.claim_key(store, "k", "t1")
        store.filter.keep("s", "k", None)
        assert [self.claim_key(store, "k", holder) for holder in ("t1", "t2", "done")] == ["done"] * 3
        clock.advance(self.unit * 5)
        assert self.claim_key(store, "k", "t2") == "done"

    def test_filter_kept_for_a_time(self, store: StateStore, clock: TestClock) -> None:
        self.claim_key(store, "k", "t1")
        store.filter.keep("s", "k", self.unit * 3)
        clock.advance(self.unit * 2)
        assert self.claim_key(store, "k", "t2") == "done"
        clock.advance(self.unit * 2)
        assert self.claim_key(store, "k", "t2") is None

    def test_filter_keep_needs_no_claim(self, store: StateStore) -> None:
        store.filter.keep("s", "k", None)
        assert self.claim_key(store, "k", "t1") == "done"

    def test_filter_release_by_the_holder_only(self, store: StateStore) -> None:
        self.claim_key(store, "k", "t1")
        store.filter.release("s", "k", "t2")
        assert self.claim_key(store, "k", "t2") == "t1"
        store.filter.release("s", "k", "t1")
        assert self.claim_key(store, "k", "t2") is None
        store.filter.release("s", "never claimed", "t1")

    def test_filter_release_does_not_undo_keep(self, store: StateStore) -> None:
        self.claim_key(store, "k", "t1")
        store.filter.keep("s", "k", None)
        for holder in ("t1", "done"):
            store.filter.release("s", "k", holder)
        assert self.claim_key(store, "k", "t1") == "done"

    def test_filter_clear_forgets_one_scope(self, store: StateStore) -> None:
        self.claim_key(store, "claimed", "t1")
        store.filter.keep("s", "kept", None)
        store.filter.keep("s2", "kept", None)
        store.filter.clear("s")
        assert self.claim_key(store, "claimed", "t2") is None
        assert self.claim_key(store, "kept", "t2") is None
        assert self.claim_key(store, "kept", "t2", "s2") == "done"

    def test_filter_claim_is_atomic(self, store: StateStore) -> None:
        for key in range(10):
            answers = together(self.claim_key, [(store, str(key), f"t{i}") for i in range(8)])
            winner = answers.index(None)
            assert answers == [None if i == winner else f"t{winner}" for i in range(8)]

    def test_filter_crosses_stores(self, store: StateStore, other: StateStore) -> None:
        assert self.claim_key(other, "k", "t1") is None
        assert self.claim_key(store, "k", "t2") == "t1"
        store.filter.keep("s", "k", None)
        assert self.claim_key(other, "k", "t1") == "done"
