"""Stores that are wrong in one way each, and what the suite must say of them; read like `broken_brokers`."""

from __future__ import annotations

from funboost_store_memory.filter import MemoryFilter
from funboost_store_memory.history import MemoryHistory
from funboost_store_memory.parking import MemoryParking
from funboost_store_memory.store import MemoryState

from funboost_core.ports.store import Record


class Broken:
    """One part of a store in memory is replaced."""

    part: str
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def opened(cls, clock):
    """A store with that broken part."""
    store = MemoryState("memory://", type("Environment", (), {"clock": clock})())
    setattr(store, cls.part, cls(clock))
    return store


# -- parking ------------------------------------------------------------------------------------------------------------


class PurgesEverything(Broken, MemoryParking):
    """The messages of other queues, too."""

    part = "parking"
    names = ("test_parking_purge_forgets_one_target",)

    def purge(self, target):
        number = self.count(target)
        self._places.clear()
        return number


class PurgesOnlyWhatCanBeClaimed(Broken, MemoryParking):
    """What is not due yet stays, and what somebody is moving."""

    part = "parking"
    names = ("test_parking_purge_forgets_one_target",)

    def purge(self, target):
        due = self.claim(target, 10**9, 60)
        self.done(due)
        return len(due)


class HandsOutTwice(Broken, MemoryParking):
    """Does not withhold what is claimed."""

    part = "parking"
    names = ("test_parking_a_claim_withholds_until_it_ends", "test_parking_claim_is_atomic")
    also = (
        "test_parking_hands_out_in_order_of_due_time_up_to_the_limit",
        "test_parking_purge_forgets_one_target",
        "test_parking_done_forgets",
    )

    def claim(self, target, limit, lease):
        return super().claim(target, limit, 0)


class ForgetsTheRetry(Broken, MemoryParking):
    """`done` takes away whatever has the id."""

    part = "parking"
    names = ("test_parking_done_spares_what_was_parked_anew",)

    def done(self, messages):
        for message in messages:
            place = self._places.get(message.target)
            present = place and place.messages.get(message.id)
            super().done([present[0]] if present else [])


# -- history ------------------------------------------------------------------------------------------------------------


class IndexesLater(Broken, MemoryHistory):
    """Its index lags: a text is found some saves later."""

    part = "history"
    names = ("test_history_many_are_found_at_once", "test_history_by_text_anywhere_in_arguments_or_exception")
    also = (
        "test_history_later_record_replaces",
        "test_history_expires",
        "test_history_takes_what_json_cannot_carry",
    )

    def __init__(self, clock):
        super().__init__(clock)
        self._fresh = set()

    def save(self, records, ttl):
        super().save(records, ttl)
        self._fresh = {record.id for record in records}

    def search(self, *args, text=None, **criteria):
        found = super().search(*args, text=text, **criteria)
        return [one for one in found if not text or str(one["_id"]) not in self._fresh]


class ForgetsToIndexTheTail(Broken, MemoryHistory):
    """Texts are indexed a thousand at a time, and the rest is not looked at."""

    part = "history"
    names = ("test_history_many_are_found_at_once",)
    also = IndexesLater.names + IndexesLater.also

    def __init__(self, clock):
        super().__init__(clock)
        self._order = []

    def save(self, records, ttl):
        super().save(records, ttl)
        self._order += [record.id for record in records]

    def search(self, *args, text=None, **criteria):
        indexed = set(self._order[: len(self._order) // 1000 * 1000])
        found = super().search(*args, text=text, **criteria)
        return [one for one in found if not text or str(one["_id"]) in indexed]


class KeepsOldTexts(Broken, MemoryHistory):
    """A record that was replaced is still found by what it was."""

    part = "history"
    names = ("test_history_later_record_replaces",)

    def save(self, records, ttl):
        old = {id: run.searched for id, run in self._runs.items()}
        merged = []
        for record in records:
            merged.append(record._replace(searched=f"{old.get(record.id, '')}\n{record.searched}"))
            old[record.id] = record.searched
        super().save(merged, ttl)


class TakesRunningForFailed(Broken, MemoryHistory):
    """A run that is followed by another one counts as failed."""

    part = "history"
    names = ("test_history_running_is_neither_success_nor_failure",)

    def save(self, records, ttl):
        super().save([Record(*record[:2], bool(record.success), *record[3:]) for record in records], ttl)


# -- filter -------------------------------------------------------------------------------------------------------------


class ReleasesForOthers(Broken, MemoryFilter):
    """A claim is given up whoever asks."""

    part = "filter"
    names = ("test_filter_release_by_the_holder_only",)

    def release(self, scope, key, holder):
        present = self.claim(scope, key, holder, 1)
        super().release(scope, key, holder if present is None else present)


BROKEN = {
    cls.__name__: cls
    for cls in vars().copy().values()
    if isinstance(cls, type) and cls.__module__ == __name__ and issubclass(cls, Broken) and cls.names
}
