"""Replies through the file: SQLite wakes nobody, so one thread a process looks for all that are waited for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf
from typing import Callable

from funboost_core.clock import Clock
from funboost_core.native import Condition, Lock, Thread, current_thread
from funboost_core.ports.store import Replies, Tell

from .database import Database, StateFileError
from .sweep import Sweep
from .watch import Watch

AT_ONCE = 500
"""Replies asked for in one query."""
IDLE = 10.0
"""Seconds after which a caretaker with nothing to look for ends."""
TROUBLE = 0.05
"""Seconds until a caretaker looks again after the file has failed."""


def pause_after(waited: float) -> float:
    """Seconds until the next look at the file, when the youngest waiter has waited for `waited` seconds.

    0.2 ms at first, because most replies come within milliseconds; 1 ms from 10 to 200 ms; then 1/200 of the time waited
    (which is what a late notice adds to a call) up to 50 ms.
    """
    return min(0.05, max(0.0002, min(0.001, waited * 0.1), waited * 0.005))


class _Waiter:
    """One thread that waits for a reply; or the caretaker, who never gets one."""

    __slots__ = ("condition", "payload")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.payload: bytes | None = None


class SqliteReplies(Replies):
    """A reply of this process wakes who waits for it at once; those of other processes are found by a *leader*.

    The leader is one of the waiting threads; when it has what it wants it hands over to another one.  For subscribers,
    who have no thread that waits, a *caretaker* is ready to lead.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sweep = Sweep("replies", "seq", clock)
        self.watch = Watch(database)
        self._closed = False
        self.start()

    def start(self) -> None:
        """Begin without waiting threads: at first, and in a forked child."""
        self._lock = Lock()
        self._waiting: dict[str, list[_Waiter]] = {}
        self._subscribed: dict[str, list[Tell]] = {}
        self._caretaker: _Waiter | None = None
        self._thread: Thread | None = None  # the caretaker's
        self._leader: _Waiter | None = None
        self._seen: int | None = None  # the last reply that was looked at; None: each that is waited for must be
        self._file: tuple[int, int] | None = None  # where it was looked at
        self._since = 0.0  # when the youngest waiter came, by the monotonic clock

    def put(self, task_id: str, payload: bytes, ttl: float) -> None:
        """See `Replies.put`."""
        with self._database.writing() as connection:
            self._sweep.sometimes(connection)
            connection.execute(
                "INSERT OR REPLACE INTO replies (task_id, expires, payload) VALUES (?, ?, ?)",
                (task_id, self._clock.time() + ttl, payload),
            )
        self._deliver({task_id: payload})

    def get(self, task_id: str, timeout: float) -> bytes | None:
        """See `Replies.get`."""
        payload = self._find([task_id]).get(task_id)
        if payload is not None or timeout <= 0:
            return payload
        waiter = self._join(task_id)
        try:
            payload = self._find([task_id]).get(task_id)  # again: it may have come before this thread was known to wait
            return payload if payload is not None else self._wait(waiter, timeout)
        finally:
            self._part(task_id, waiter)

    def subscribe(self, task_ids: Sequence[str], tell: Tell) -> bool:
        """See `Replies.subscribe`."""
        try:
            with self._lock:
                for task_id in task_ids:
                    self._subscribed.setdefault(task_id, []).append(tell)
                self._hurry()
                self._call_caretaker()
            self._deliver(self._find(task_ids))
        except BaseException:
            self.unsubscribe(task_ids, tell)
            raise
        return True

    def unsubscribe(self, task_ids: Sequence[str], tell: Tell) -> None:
        """See `Replies.unsubscribe`."""
        with self._lock:
            for task_id in task_ids:
                subscribed = self._subscribed.get(task_id)
                if subscribed is not None and tell in subscribed:
                    subscribed.remove(tell)
                    if not subscribed:
                        del self._subscribed[task_id]

    def _find(self, task_ids: Collection[str]) -> dict[str, bytes]:
        """The replies that are there, of those asked for."""
        wanted = list(task_ids)
        found: dict[str, bytes] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                some = wanted[start : start + AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT task_id, payload FROM replies WHERE task_id IN ({marks}) AND expires > ?"
                found.update(connection.execute(query, (*some, self._clock.time())).fetchall())
        return found

    # -- who waits ------------------------------------------------------------------------------------------------

    def _join(self, task_id: str) -> _Waiter:
        with self._lock:
            waiter = _Waiter(Condition(self._lock))
            self._waiting.setdefault(task_id, []).append(waiter)
            self._hurry()
            return waiter

    def _hurry(self) -> None:
        self._since = self._clock.monotonic()
        if self._leader is not None:
            self._leader.condition.notify()  # it may be looking only every 50 ms by now

    def _part(self, task_id: str, waiter: _Waiter) -> None:
        with self._lock:
            waiters = self._waiting[task_id]
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[task_id]
            self._hand_over()

    def _hand_over(self) -> None:
        """Whoever leaves sees to it that somebody looks."""
        if not (self._waiting or self._subscribed):
            self._seen = None
        elif self._leader is None:
            left = (other for waiters in self._waiting.values() for other in waiters if other.payload is None)
            heir = next(left, self._caretaker)
            if heir is not None:
                heir.condition.notify()

    def _deliver(self, found: dict[str, bytes]) -> None:
        tells = []
        with self._lock:
            for task_id, payload in found.items():
                for waiter in self._waiting.get(task_id, ()):
                    waiter.payload = payload
                    waiter.condition.notify()
                tells += [(tell, task_id, payload) for tell in self._subscribed.pop(task_id, ())]
        for tell, task_id, payload in tells:
            tell(task_id, payload)

    def _wait(self, waiter: _Waiter, timeout: float) -> bytes | None:
        deadline = self._clock.monotonic() + timeout

        def over() -> bool:
            return waiter.payload is not None or self._closed or self._clock.monotonic() >= deadline

        with self._lock:
            while not over():
                if self._leader is None:
                    self._lead(waiter, over, deadline)
                else:
                    self._clock.wait(waiter.condition, deadline - self._clock.monotonic())
            return waiter.payload

    def _call_caretaker(self) -> None:
        if self._caretaker is not None:
            self._caretaker.condition.notify()
            return
        me = _Waiter(Condition(self._lock))
        thread = Thread(target=self._care, args=(me,), name="funboost-sqlite-replies", daemon=True)
        thread.start()
        self._caretaker, self._thread = me, thread

    def _care(self, me: _Waiter) -> None:
        """Lead when nobody else does, as long as there are subscribers; the caretaker's thread."""

        def over() -> bool:
            return not self._subscribed or self._closed

        with self._lock:
            while not self._closed:
                if over():
                    self._hand_over()
                    if not self._clock.wait(me.condition, IDLE) and over():
                        break
                elif self._leader is not None:
                    me.condition.wait()
                else:
                    try:
                        self._lead(me, over, inf)
                    except StateFileError:  # a deleted file, say, is begun anew with the next call
                        self._clock.wait(me.condition, TROUBLE)
            self._caretaker = None
            self._hand_over()

    # -- looking --------------------------------------------------------------------------------------------------

    def _lead(self, waiter: _Waiter, over: Callable[[], bool], deadline: float) -> None:
        """Look for everybody until it is over for this thread; the lock is held."""
        self._leader = waiter
        try:
            while not over():
                self._lock.release()
                try:
                    self._look()
                except BaseException as error:
                    self._seen = None  # it may have forgotten what it had seen: who looks next looks for everything
                    if not (self._closed and isinstance(error, StateFileError)):
                        raise
                finally:
                    self._lock.acquire()
                if not over():
                    now = self._clock.monotonic()
                    self._clock.wait(waiter.condition, min(pause_after(now - self._since), deadline - now))
        finally:
            self._leader = None

    def _look(self) -> None:
        """Deliver what has come since the last look; called by the leader, without the lock."""
        changed, seen = self.watch.changed(), self._seen  # which whoever leaves may set to None
        if seen is None or self.watch.identity != self._file:
            self._file = self.watch.identity
            self._seen = self._newest()
            with self._lock:
                candidates = [*self._waiting, *self._subscribed]
        elif changed:
            with self._database.reading() as connection:
                rows = connection.execute("SELECT seq, task_id FROM replies WHERE seq > ?", (seen,)).fetchall()
            self._seen = max([seen, *(seq for seq, _ in rows)])
            with self._lock:
                candidates = [task_id for _, task_id in rows if task_id in self._waiting or task_id in self._subscribed]
        else:
            return
        if candidates:
            self._deliver(self._find(candidates))

    def _newest(self) -> int:
        with self._database.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM replies").fetchone()[0])

    def close(self) -> None:
        """End all waiting."""
        with self._lock:
            self._closed = True
            for waiters in self._waiting.values():
                for waiter in waiters:
                    waiter.condition.notify()
            if self._caretaker is not None:
                self._caretaker.condition.notify()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join()
        self.watch.close()
