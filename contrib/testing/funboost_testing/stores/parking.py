"""What every `Parking` must do."""

from __future__ import annotations

from typing import Any

from funboost_core.ports.store import Parked, StateStore

from .base import StoreSuite, TestClock, together


class ParkingSuite(StoreSuite):
    """Messages wait for their time, are claimed by one, come back when the claimant dies, and are never lost."""

    funboost_topics = ("parking",)

    def parked(self, clock: TestClock, id: str, units: float = 0.0, target: str = "q", **fields: Any) -> Parked:
        """A message that is due `units` from now."""
        return Parked(
            id, target, fields.pop("body", b"body of " + id.encode()), clock.time() + units * self.unit, **fields
        )

    def claim_due(self, store: StateStore, target: str = "q", limit: int = 100) -> list[Parked]:
        """Claim for one unit."""
        return store.parking.claim(target, limit, self.unit)

    def test_parking_empty(self, store: StateStore) -> None:
        store.parking.park([])
        store.parking.done([])
        assert self.claim_due(store) == []
        assert store.parking.next_due("q") is None
        assert store.parking.count("q") == 0

    def test_parking_keeps_the_message_exactly(self, store: StateStore, clock: TestClock) -> None:
        message = self.parked(clock, "a", body=b'{"x": 1}\x00\xff', reason="delay \u5317")
        store.parking.park([message])
        assert self.claim_due(store) == [message]

    def test_parking_withholds_what_is_not_due(self, store: StateStore, clock: TestClock) -> None:
        now, later = self.parked(clock, "now"), self.parked(clock, "later", 2)
        store.parking.park([later, now])
        assert self.claim_due(store) == [now]
        store.parking.done([now])
        assert store.parking.next_due("q") == later.due
        assert store.parking.count("q") == 1
        clock.advance(self.unit * 2.1)
        assert self.claim_due(store) == [later]

    def test_parking_hands_out_in_order_of_due_time_up_to_the_limit(self, store: StateStore, clock: TestClock) -> None:
        messages = [self.parked(clock, f"m{i}", -1.0 + i / 100) for i in (3, 1, 2, 0)]
        store.parking.park(messages)
        assert [m.id for m in self.claim_due(store, limit=3)] == ["m0", "m1", "m2"]
        assert [m.id for m in self.claim_due(store, limit=3)] == ["m3"]

    def test_parking_a_claim_withholds_until_it_ends(self, store: StateStore, clock: TestClock) -> None:
        message = self.parked(clock, "a")
        store.parking.park([message])
        assert self.claim_due(store) == [message]
        assert self.claim_due(store) == []
        assert store.parking.count("q") == 1
        due = store.parking.next_due("q")
        assert due is None or due >= clock.time() + self.unit * 0.5, (
            "a claimed message is not due before its claim ends"
        )
        clock.advance(self.unit * 1.5)
        due = store.parking.next_due("q")
        assert due is not None
        assert due <= clock.time()
        assert self.claim_due(store) == [message]

    def test_parking_done_forgets(self, store: StateStore, clock: TestClock) -> None:
        store.parking.park([self.parked(clock, f"m{i}") for i in range(5)])
        store.parking.done(iter(self.claim_due(store, limit=3)))
        assert store.parking.count("q") == 2
        clock.advance(self.unit * 2)
        assert [m.id for m in self.claim_due(store)] == ["m3", "m4"]

    def test_parking_again_replaces_and_ends_the_claim(self, store: StateStore, clock: TestClock) -> None:
        store.parking.park([self.parked(clock, "a", body=b"old")])
        self.claim_due(store)
        new = self.parked(clock, "a", body=b"new", reason="retry")
        store.parking.park([new, self.parked(clock, "b", 5), self.parked(clock, "b", 1)])
        assert store.parking.count("q") == 2
        assert self.claim_due(store) == [new]
        clock.advance(self.unit * 1.1)
        assert "b" in [m.id for m in self.claim_due(store)]

    def test_parking_done_spares_what_was_parked_anew(self, store: StateStore, clock: TestClock) -> None:
        """The task may have run, failed and been parked for its next try before the mover reports `done`."""
        store.parking.park([self.parked(clock, "a", body=b"first try")])
        claimed = self.claim_due(store)
        retry = self.parked(clock, "a", 1, body=b"second try")
        store.parking.park([retry])
        store.parking.done(claimed)
        clock.advance(self.unit * 1.1)
        assert self.claim_due(store) == [retry]

    def test_parking_targets_are_apart(self, store: StateStore, clock: TestClock) -> None:
        here, there = self.parked(clock, "a", target="q1"), self.parked(clock, "a", target="q2")
        store.parking.park([here, there])
        assert self.claim_due(store, "q1") == [here]
        store.parking.done([here])
        assert (store.parking.count("q1"), store.parking.count("q2")) == (0, 1)
        assert self.claim_due(store, "q2") == [there]

    def test_parking_claim_is_atomic(self, store: StateStore, clock: TestClock) -> None:
        store.parking.park([self.parked(clock, f"m{i}") for i in range(100)])
        claims = together(self.claim_due, [(store, "q", 10)] * 12)
        assert sorted(m.id for claim in claims for m in claim) == sorted(f"m{i}" for i in range(100))

    def test_parking_purge_forgets_one_target(self, store: StateStore, clock: TestClock) -> None:
        """What is due, what is not, and what is claimed; and nothing of any other target."""
        messages = [self.parked(clock, "due", -1), self.parked(clock, "claimed", -2), self.parked(clock, "later", 2)]
        others = [self.parked(clock, id, target=target) for id, target in (("due", "q2"), ("a", "q_dlx"), ("b", "Q"))]
        store.parking.park([*messages, *others])
        claimed = self.claim_due(store, limit=1)
        assert store.parking.purge("q") == 3
        assert store.parking.purge("q") == store.parking.purge("nobody") == 0
        assert (store.parking.count("q"), store.parking.next_due("q")) == (0, None)
        assert [store.parking.count(message.target) for message in others] == [1, 1, 1]
        store.parking.done(claimed)  # whoever was moving it reports late
        clock.advance(self.unit * 3)
        assert self.claim_due(store) == []
        again = self.parked(clock, "due")
        store.parking.park([again])
        assert self.claim_due(store) == [again]

    def test_parking_crosses_stores(self, store: StateStore, other: StateStore, clock: TestClock) -> None:
        message = self.parked(clock, "a")
        other.parking.park([message])
        assert self.claim_due(store) == [message]
        assert self.claim_due(other) == []
        store.parking.done([message])
        assert other.parking.count("q") == 0
