"""What every `History` must do."""

from __future__ import annotations

from typing import Any

from funboost_core.ports.store import Record, StateStore

from .base import StoreSuite, TestClock


def record(task_id: str, **fields: Any) -> dict[str, Any]:
    """A status dict as `FunctionResultStatus.get_status_dict` makes it, shortened."""
    return {
        "_id": task_id,
        "task_id": task_id,
        "queue_name": "q",
        "params_str": '{"x": 1}',
        "success": True,
        "run_status": "finish",
        "time_start": 1000.0,
        "exception": None,
        "result": {"value": [1, 2.5, None, "\u5317\u4eac"]},
        **fields,
    }


class HistorySuite(StoreSuite):
    """One record a task, found by id, by its columns and by what is in its arguments, until it expires."""

    funboost_topics = ("history",)

    def save_records(self, store: StateStore, *records: dict[str, Any], ttl: float | None = None) -> None:
        """Save `records`, by default for a hundred units."""
        store.history.save([Record.of(record) for record in records], self.unit * 100 if ttl is None else ttl)

    def found(self, store: StateStore, **criteria: Any) -> list[str]:
        """The ids that a search finds, in its order."""
        return [found["_id"] for found in store.history.search(**criteria)]

    def test_history_unknown_and_empty(self, store: StateStore) -> None:
        self.save_records(store)
        assert store.history.get("nobody") is None
        assert store.history.search() == []

    def test_history_keeps_the_whole_record(self, store: StateStore) -> None:
        self.save_records(store, record("a"), record("b", extra_field=[{"deep": True}]))
        assert store.history.get("a") == record("a")
        assert store.history.get("b") == record("b", extra_field=[{"deep": True}])

    def test_history_is_a_copy(self, store: StateStore) -> None:
        mine = record("a")
        self.save_records(store, mine)
        mine["result"]["value"].append("changed")
        theirs = store.history.get("a")
        assert theirs == record("a")
        theirs["result"]["value"].append("changed")
        assert store.history.get("a") == record("a")

    def test_history_later_record_replaces(self, store: StateStore) -> None:
        self.save_records(store, record("a", run_status="running", success=False, params_str="before"))
        self.save_records(store, record("a", exception="ValueError: broken", success=False, params_str="after"))
        assert self.found(store) == ["a"]
        assert self.found(store, text="before") == []
        assert self.found(store, text="after") == self.found(store, text="broken") == ["a"]
        self.save_records(store, record("b", params_str="one"), record("b", params_str="two"))
        assert self.found(store, text="one") == []
        assert self.found(store, text="two") == ["b"]

    def test_history_newest_first_in_pages(self, store: StateStore) -> None:
        self.save_records(store, *[record(f"t{i}", time_start=1000.0 + (i * 7) % 10) for i in range(10)])
        order = [f"t{i}" for i in sorted(range(10), key=lambda i: -(i * 7 % 10))]
        assert self.found(store) == order
        assert self.found(store, limit=3) == order[:3]
        assert self.found(store, limit=4, offset=3) == order[3:7]
        assert self.found(store, offset=20) == []

    def test_history_by_queue_and_success(self, store: StateStore) -> None:
        self.save_records(store, record("ok", time_start=3.0), record("bad", success=False, time_start=2.0))
        self.save_records(store, record("elsewhere", queue_name="q2", time_start=1.0))
        assert self.found(store, queue="q") == ["ok", "bad"]
        assert self.found(store, queue="q2", success=True) == ["elsewhere"]
        assert self.found(store, success=True) == ["ok", "elsewhere"]
        assert self.found(store, success=False) == ["bad"]
        assert self.found(store, queue="Q") == []

    def test_history_running_is_neither_success_nor_failure(self, store: StateStore) -> None:
        self.save_records(store, record("now", run_status="running", success=False))
        assert self.found(store, success=False) == self.found(store, success=True) == []
        assert self.found(store) == self.found(store, running=True) == ["now"]
        self.save_records(store, record("over"))
        assert self.found(store, running=True) == ["now"]
        assert self.found(store, running=False) == ["over"]

    def test_history_between_times_inclusive(self, store: StateStore) -> None:
        self.save_records(
            store, *[record(str(i), time_start=float(i)) for i in range(5)], record("none", time_start=None)
        )
        assert self.found(store, since=2) == ["4", "3", "2"]
        assert self.found(store, until=1.0) == ["1", "0"]
        assert self.found(store, since=1.0, until=3.0) == ["3", "2", "1"]
        assert self.found(store)[-1] == "none"

    def test_history_by_text_anywhere_in_arguments_or_exception(self, store: StateStore) -> None:
        self.save_records(
            store, record("a", params_str='{"user": "Anna_B 100%", "city": "\u5317\u4eac\u5e02"}', time_start=3.0)
        )
        self.save_records(
            store, record("b", params_str='{"user": "Bob"}', exception="KeyError: 'Anna'", time_start=2.0)
        )
        self.save_records(store, record("c", params_str='{"user": "annax"}', time_start=1.0))
        assert self.found(store, text="anna") == ["a", "b", "c"]
        assert self.found(store, text="ANNA_B") == ["a"]
        assert self.found(store, text="100%") == ["a"]
        assert self.found(store, text="nna_x") == []
        assert self.found(store, text="%") == ["a"]
        assert self.found(store, text="\u4eac\u5e02") == self.found(store, text="\u5317\u4eac\u5e02") == ["a"]
        assert self.found(store, text="b") == ["a", "b"]
        assert self.found(store, text='"user": "Bob"') == ["b"]
        assert self.found(store, text="KeyError: 'Anna'") == ["b"]
        assert self.found(store, text="nothing like it") == []
        assert self.found(store, text="anna", since=1.5, limit=1, offset=1) == ["b"]
        assert self.found(store, text="") == ["a", "b", "c"]

    def test_history_many_are_found_at_once(self, store: StateStore) -> None:
        """A search that begins after `save` has returned finds all of it, however a store goes about its index."""
        for batch in range(8):
            texts = [f"batch{batch} row{number:03d}." for number in range(700)]
            records = [record(f"{batch}-{number}", params_str=text) for number, text in enumerate(texts)]
            self.save_records(store, *records)
            for number in (0, 350, 699):
                assert self.found(store, text=f"BATCH{batch} row{number:03d}") == [f"{batch}-{number}"]
        assert sorted(self.found(store, text="row007.")) == [f"{batch}-7" for batch in range(8)]
        assert len(self.found(store, text="batch5", limit=1000)) == 700

    def test_history_ids_may_be_numbers(self, store: StateStore) -> None:
        self.save_records(store, record("x", _id=100005))
        found = store.history.get("100005")
        assert found is not None
        assert found["_id"] == 100005

    def test_history_takes_what_json_cannot_carry(self, store: StateStore) -> None:
        """The record must be there, whatever the task returned; such values become some text."""
        broken = record("a", result=object(), exception="\ud800 in it", params_str=repr(b"\xff"), data=b"\xff")
        self.save_records(store, broken, record("b", result={1, 2}, time_start=1.0))
        found = store.history.get("a")
        assert found is not None
        assert found["result"].startswith("<object object")
        assert self.found(store, text="in it") == ["a"]
        assert self.found(store) == ["a", "b"]

    def test_history_expires(self, store: StateStore, clock: TestClock) -> None:
        self.save_records(store, record("short", params_str="same"), ttl=self.unit)
        self.save_records(store, record("long", params_str="same"), ttl=self.unit * 3)
        assert store.history.prune() == 0
        clock.advance(self.unit * 2)
        assert store.history.get("short") is None
        assert self.found(store) == self.found(store, text="same") == ["long"]
        self.save_records(store, record("short", params_str="again"), ttl=self.unit * 3)
        assert self.found(store, text="again") == ["short"]

    def test_history_prune_deletes_what_expired(self, store: StateStore, clock: TestClock) -> None:
        self.save_records(store, *[record(f"t{i}", params_str=f"text {i}") for i in range(1500)], ttl=self.unit)
        self.save_records(store, record("stays"))
        clock.advance(self.unit * 2)
        pruned = store.history.prune()
        assert pruned in (0, 1500)  # 0 where expired records vanish by themselves
        assert store.history.prune() == 0
        assert self.found(store, limit=5000) == ["stays"]

    def test_history_crosses_stores(self, store: StateStore, other: StateStore) -> None:
        self.save_records(other, record("a", params_str="from the other"))
        assert store.history.get("a") == record("a", params_str="from the other")
        assert self.found(store, text="the other") == ["a"]
