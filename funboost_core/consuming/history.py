"""Records of runs on their way to the history store: gathered, written many at a time, kept for a while when it is away."""

from __future__ import annotations

import logging
from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ..native import Condition, Lock, Thread, current_thread

if TYPE_CHECKING:
    from ..environment import Environment
    from ..ports.store import Record

logger: logging.Logger = logging.getLogger("funboost.history")

EVERY = 0.5
"""Most seconds for which a record is gathered."""
BATCH = 500
"""Records that are written at once, and so many do not wait any longer."""
MOST = 10_000
"""Records that are kept when the store is away or slow; then the oldest are given up."""
MOST_BYTES = 64 * 1024 * 1024
"""How large they may be together."""
PATIENCE = 5.0
"""Seconds that a task waits for a store that takes its time."""
LONGEST = 30.0
"""Seconds before a store that failed is asked again, growing from `EVERY`."""
PRUNE = 600.0
"""Seconds between two looks for records that have outlived their time."""
_NEVER = 1 << 60
_AWAY = 3
"""So many records that fail one after the other are not to blame themselves."""


class Entry(NamedTuple):
    """A record, and the seconds for which the store keeps it."""

    record: Record
    ttl: float


class HistoryWriter:
    """Writes the records of one process, in their order; never raises.

    One that cannot be written although others can is given up; everything that is given up is counted and logged.

    Example::

        writer = HistoryWriter(environment)
        writer.add(Record.of(status.get_status_dict()), 3600)
        writer.flush()
    """

    def __init__(self, environment: Environment) -> None:
        self._state = environment.state
        self._clock = environment.clock
        self._changed = Condition()
        self._waiting: deque[Entry] = deque()  # appended to without the lock, for which hundreds of threads would queue
        self._wake_at = _NEVER  # so many that wait end the thread's own wait
        self._large = 0  # bytes of those that are large
        self._writing = Lock()
        self._in_hand = 0  # records that are just being written
        self._stuck = False  # somebody waited for `_writing` in vain
        self._failures = 0
        self._suspects: list[Entry] = []
        self._thread: Thread | None = None
        self.dropped: int = 0
        """Records that were given up."""

    # -- called by tasks ------------------------------------------------------------------------------------------

    def add(self, record: Record, ttl: float) -> None:
        """Write it within half a second.  Waits only for a store that is slower than the tasks."""
        self._append(Entry(record, ttl))
        if self._full:
            self._make_room()

    def save(self, record: Record, ttl: float) -> None:
        """Write it now, with what others have added meanwhile; later where the store is away."""
        self.add(record, ttl)
        if self._answers:
            self.flush(PATIENCE)

    def flush(self, patience: float = -1) -> bool:
        """Write what waits, after who is writing now (waiting `patience` seconds, -1 = until then); whether all is written."""
        if not self._writing.acquire(timeout=patience):
            self._stuck = True
            return False
        try:
            while batch := self._take():
                self._in_hand = len(batch)
                left = self._write(batch)
                self._in_hand = 0
                if left:
                    self._put_back(left)
                    return False
            return True
        finally:
            self._writing.release()

    def stop(self) -> None:
        """End the thread and write what waits, once; the next record starts another thread."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join(PATIENCE)
        if not self.flush(PATIENCE):  # also where nothing waits: somebody may have the last ones in hand
            lost = self._in_hand + len(self._waiting)
            logger.error("%d records of history are lost: the store could not be written to.", lost)

    # -- room -----------------------------------------------------------------------------------------------------

    @property
    def _answers(self) -> bool:
        return not (self._failures or self._stuck)

    @property
    def _full(self) -> bool:
        return len(self._waiting) > MOST or self._large > MOST_BYTES // 2

    def _append(self, entry: Entry) -> None:
        large = _large(entry)
        if large:
            with self._changed:
                self._large += large
        self._waiting.append(entry)  # before the looks: who waits or ends looks here afterwards
        if self._thread is None or len(self._waiting) >= self._wake_at:
            with self._changed:
                if self._thread is None:
                    self._thread = Thread(target=self._run, name="funboost-history", daemon=True)
                    self._thread.start()
                self._wake_at = _NEVER
                self._changed.notify_all()

    def _make_room(self) -> None:
        if self._answers and self.flush(PATIENCE):
            return
        dropped = 0
        with self._changed:
            while self._full:
                self._large -= _large(self._waiting.popleft())
                dropped += 1
        self._give_up(dropped)

    def _give_up(self, number: int) -> None:
        with self._changed:
            first = not self.dropped
            self.dropped += number
        if number and first:
            logger.warning(
                "The history store is away or too slow: more than %d records (or %d MB) wait, the oldest are given up. "
                "Tasks go on.",
                MOST,
                MOST_BYTES >> 20,
            )

    # -- writing --------------------------------------------------------------------------------------------------

    def _take(self) -> list[Entry]:
        with self._changed:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            self._large -= sum(map(_large, batch))
            return batch

    def _put_back(self, entries: list[Entry]) -> None:
        with self._changed:
            self._waiting.extendleft(reversed(entries))
            self._large += sum(map(_large, entries))
            self._changed.notify_all()  # the thread may have found nothing meanwhile

    def _write(self, batch: list[Entry]) -> list[Entry]:
        """What could not be written and is to be tried again."""
        try:
            self._save(batch)
        except Exception as error:
            return self._write_singly(batch, error)
        self._wrote()
        return []

    def _write_singly(self, batch: list[Entry], error: Exception) -> list[Entry]:
        """After a failure of the whole: one record that the store cannot take must not keep the others from it."""
        failed: list[Entry] = []
        row = 0  # failures one after the other
        for number, entry in enumerate(batch if len(batch) > 1 else ()):
            try:
                self._save([entry])
                row = 0
            except Exception as again:
                failed.append(entry)
                error, row = again, row + 1
                if row == _AWAY:
                    self._failed(error)
                    return [*failed[:-_AWAY], *batch[number - _AWAY + 1 :]]
        if len(failed) == len(batch) or len(batch) == 1:
            self._failed(error)
            return batch
        self._wrote()
        written = {entry.record.id for entry in batch if entry not in failed}
        return self._suspect([entry for entry in failed if entry.record.id not in written], error)

    def _suspect(self, failed: list[Entry], error: Exception) -> list[Entry]:
        """Those that failed beside others for the first time are tried once more: the store may have been away just then."""
        for entry in failed:
            if entry in self._suspects:
                logger.error("The record of %s is given up: %r", entry.record.id, error)
                with self._changed:
                    self.dropped += 1
        self._suspects = [entry for entry in failed if entry not in self._suspects]
        return self._suspects

    def _save(self, entries: list[Entry]) -> None:
        for ttl, group in groupby(entries, lambda entry: entry.ttl):
            self._state.history.save([entry.record for entry in group], ttl)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.warning(
                "The history store failed (%s: %s); up to %d records are kept and tried again.",
                type(error).__name__,
                error,
                MOST,
            )

    def _wrote(self) -> None:
        self._stuck = False
        if self._failures:
            self._failures = 0
            logger.warning("The history store is back; %d records were given up so far.", self.dropped)

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        prune = self._clock.monotonic() + PRUNE
        while self._gathered(prune):
            self.flush()
            if self._clock.monotonic() >= prune:
                prune = self._clock.monotonic() + PRUNE
                self._prune()

    def _gathered(self, prune: float) -> bool:
        """Wait until there is something to do; False when this thread is to end, and another one may have begun."""
        now, me = self._clock.monotonic, current_thread()
        with self._changed:
            while self._thread is me and not self._some(1) and now() < prune:
                self._clock.wait(self._changed, prune - now())
            pause = min(LONGEST, EVERY * 2 ** min(self._failures, 10))
            end = now() + pause
            while self._thread is me and now() < min(end, prune) and not (self._answers and self._some(BATCH)):
                self._clock.wait(self._changed, min(end, prune) - now())
            self._wake_at = _NEVER
            return self._thread is me

    def _some(self, number: int) -> bool:
        """Whether so many wait; else the wait that follows ends when they do."""
        self._wake_at = number
        return len(self._waiting) >= number

    def _prune(self) -> None:
        try:
            self._state.history.prune()
        except Exception as error:
            logger.warning("Old records of history could not be deleted (%s: %s).", type(error).__name__, error)


def _large(entry: Entry) -> int:
    """The bytes of a record that counts as large; the others are bounded by their number, so that they need no sum."""
    size = len(entry.record.payload) + len(entry.record.searched)
    return size if size * MOST > MOST_BYTES // 2 else 0
