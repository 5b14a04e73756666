"""Replies: a list of one element a task, under the task's id, as it is documented."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from funboost_core.native import Event, Lock, patched, sleep
from funboost_core.ports.store import Replies, Tell

from .errors import RedisUnavailable
from .keys import Keys
from .link import Script
from .server import Server
from .subscriptions import Subscriptions

SLICE = 5.0
"""Seconds of one wait at the server; closing ends the waiting after the present one at the latest."""
PAUSE = 0.05

BLOCKING = 8
"""Most threads that wait on a connection of their own; more are told by the subscriptions."""

_PUT = Script("""
if redis.call('RPUSH', KEYS[1], ARGV[1]) > 1 then redis.call('LTRIM', KEYS[1], -1, -1) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', KEYS[1], '')
""")  # the message is for subscribers; where channels are forbidden, they look from time to time


class RedisReplies(Replies):
    """Who waits moves the element to where it is, which blocks until there is one and leaves it there with its TTL."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self._server = server
        self._keys = keys
        self._closed = Event()
        self._subscriptions = Subscriptions(server, keys.plain)
        self._lock = Lock()
        self._blocking = 0

    def put(self, task_id: str, payload: bytes, ttl: float) -> None:
        """See `Replies.put`."""
        self._server.run(_PUT, [self._keys.plain(task_id)], [payload, max(1, int(ttl * 1000))])

    def get(self, task_id: str, timeout: float) -> bytes | None:
        """See `Replies.get`; a server that is away meanwhile is asked again."""
        key, deadline = self._keys.plain(task_id), monotonic() + timeout
        if timeout <= 0:
            return self._server.ask("LINDEX", key, 0)  # type: ignore[no-any-return]
        with self._lock:
            blocks = patched or self._blocking < BLOCKING
            self._blocking += blocks
        if not blocks:
            return self._hear(task_id, deadline)
        try:
            return self._block(key, deadline)
        finally:
            with self._lock:
                self._blocking -= 1

    def _hear(self, task_id: str, deadline: float) -> bytes | None:
        heard, came = [], Event()

        def tell(task_id: str, payload: bytes) -> None:
            heard.append(payload)
            came.set()

        self._subscriptions.add([task_id], tell)
        try:
            while not self._closed.is_set() and (left := deadline - monotonic()) > 0:
                if came.wait(min(left, SLICE)):
                    break
        finally:
            self._subscriptions.discard([task_id], tell)
        return heard[0] if heard else None

    def _block(self, key: str, deadline: float) -> bytes | None:
        while not self._closed.is_set():
            left = deadline - monotonic()
            if left <= 0:
                return None
            wait = min(left, SLICE)
            try:
                with self._server.link(key) as link:
                    move = ("BLMOVE", key, key, "LEFT", "LEFT", f"{wait:.3f}")
                    found: bytes | None = link.ask_all([move], patience=wait)[0]
            except RedisUnavailable:
                if self._closed.is_set() or deadline - monotonic() <= PAUSE:
                    raise
                sleep(PAUSE)
                continue
            if found is not None:
                return found
        return None

    def subscribe(self, task_ids: Sequence[str], tell: Tell) -> bool:
        """See `Replies.subscribe`; not in a monkey-patched process, where a socket belongs to one thread."""
        if not patched:
            self._subscriptions.add(task_ids, tell)
        return not patched

    def unsubscribe(self, task_ids: Sequence[str], tell: Tell) -> None:
        """See `Replies.unsubscribe`."""
        self._subscriptions.discard(task_ids, tell)

    def close(self) -> None:
        """End all waiting."""
        self._closed.set()
        self._subscriptions.close()
