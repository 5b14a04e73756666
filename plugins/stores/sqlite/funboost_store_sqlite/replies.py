"""Replies through the file: SQLite wakes nobody, so one waiting thread a process looks for all of them."""

from __future__ import annotations

from funboost_core.clock import Clock
from funboost_core.native import Condition, Lock
from funboost_core.ports.store import Replies

from .database import Database, StateFileError
from .sweep import Sweep
from .watch import Watch


def pause_after(waited: float) -> float:
    """Seconds until the next look at the file, when the youngest waiter has waited for `waited` seconds.

    0.2 ms at first, because most replies come within milliseconds; 1 ms from 10 to 200 ms; then 1/200 of the time waited
    (which is what a late notice adds to a call) up to 50 ms.
    """
    return min(0.05, max(0.0002, min(0.001, waited * 0.1), waited * 0.005))


class _Waiter:
    """One thread that waits for a reply."""

    __slots__ = ("condition", "payload")

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.payload: bytes | None = None


class SqliteReplies(Replies):
    """A reply of this process wakes its waiters at once; those of other processes are found by a *leader*.

    The leader is one of the waiting threads; when it has what it wants it hands over to another one.
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
        self._leader: _Waiter | None = None
        self._seen: int | None = None  # the last reply that was looked at; None: each waiter's own must be
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
        with self._lock:
            self._deliver(task_id, payload)

    def get(self, task_id: str, timeout: float) -> bytes | None:
        """See `Replies.get`."""
        payload = self._find(task_id)
        if payload is not None or timeout <= 0:
            return payload
        waiter = self._join(task_id)
        try:
            payload = self._find(task_id)  # again: it may have come before this thread was known to wait
            return payload if payload is not None else self._wait(waiter, timeout)
        finally:
            self._part(task_id, waiter)

    def _find(self, task_id: str) -> bytes | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT payload FROM replies WHERE task_id = ? AND expires > ?", (task_id, self._clock.time())
            ).fetchone()
        return None if row is None else row[0]

    def _join(self, task_id: str) -> _Waiter:
        with self._lock:
            waiter = _Waiter(Condition(self._lock))
            self._waiting.setdefault(task_id, []).append(waiter)
            self._since = self._clock.monotonic()
            if self._leader is not None:
                self._leader.condition.notify()  # it may be looking only every 50 ms by now
            return waiter

    def _part(self, task_id: str, waiter: _Waiter) -> None:
        with self._lock:
            waiters = self._waiting[task_id]
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[task_id]
            if not self._waiting:
                self._seen = None
            elif self._leader is None:  # whoever leaves sees to it that somebody looks
                left = (other for waiters in self._waiting.values() for other in waiters if other.payload is None)
                heir = next(left, None)
                if heir is not None:
                    heir.condition.notify()

    def _deliver(self, task_id: str, payload: bytes) -> None:
        for waiter in self._waiting.get(task_id, ()):
            waiter.payload = payload
            waiter.condition.notify()

    def _over(self, waiter: _Waiter, deadline: float) -> bool:
        return waiter.payload is not None or self._closed or self._clock.monotonic() >= deadline

    def _wait(self, waiter: _Waiter, timeout: float) -> bytes | None:
        deadline = self._clock.monotonic() + timeout
        with self._lock:
            while not self._over(waiter, deadline):
                if self._leader is None:
                    self._lead(waiter, deadline)
                else:
                    self._clock.wait(waiter.condition, deadline - self._clock.monotonic())
            return waiter.payload

    def _lead(self, waiter: _Waiter, deadline: float) -> None:
        """Look for everybody until this thread's own reply is there or its time is up; the lock is held."""
        self._leader = waiter
        try:
            while not self._over(waiter, deadline):
                self._lock.release()
                try:
                    self._look()
                except StateFileError:
                    if not self._closed:
                        raise
                finally:
                    self._lock.acquire()
                if not self._over(waiter, deadline):
                    now = self._clock.monotonic()
                    self._clock.wait(waiter.condition, min(pause_after(now - self._since), deadline - now))
        finally:
            self._leader = None

    def _look(self) -> None:
        """Deliver what has come since the last look; called by the leader, without the lock."""
        changed = self.watch.changed()
        if self._seen is None or self.watch.identity != self._file:
            self._file = self.watch.identity
            self._seen = self._newest()
            with self._lock:
                candidates = list(self._waiting)
        elif changed:
            with self._database.reading() as connection:
                rows = connection.execute("SELECT seq, task_id FROM replies WHERE seq > ?", (self._seen,)).fetchall()
            self._seen = max([self._seen, *(seq for seq, _ in rows)])
            with self._lock:
                candidates = [task_id for _, task_id in rows if task_id in self._waiting]
        else:
            return
        for task_id in candidates:
            payload = self._find(task_id)
            if payload is not None:
                with self._lock:
                    self._deliver(task_id, payload)

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
        self.watch.close()
