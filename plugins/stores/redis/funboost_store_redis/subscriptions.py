"""Replies for those who wait without a connection: one thread with one, which the server tells when a reply comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from funboost_core.errors import FunboostError
from funboost_core.native import Lock, Thread, current_thread, sleep

from .server import Server

if TYPE_CHECKING:
    from funboost_core.ports.store import Tell

    from .link import Link

SLICE = 5.0
"""Seconds after which all replies are looked for although the server has said nothing: a message may have been lost."""
PAUSE = 0.2
"""Seconds until a server that failed is tried again."""
AT_ONCE = 500


class Subscriptions:
    """Who is to be told of which reply.

    A message in a key's channel says only that something has been put there; what it is, is read from the key, because
    channels are shared by all databases of a server.

    Args:
        server: where.
        key_of: the key, and channel, of a task.
    """

    def __init__(self, server: Server, key_of: Callable[[str], str]) -> None:
        self._server = server
        self._key_of = key_of
        self._lock = Lock()
        self._tells: dict[str, list[Tell]] = {}
        self._names: dict[bytes, str] = {}  # task ids by channel
        self._link: Link | None = None
        self._thread: Thread | None = None
        self._closed = False

    def add(self, task_ids: Iterable[str], tell: Tell) -> None:
        """Tell of these."""
        with self._lock:
            fresh = []
            for task_id in task_ids:
                tells = self._tells.setdefault(task_id, [])
                if not tells:
                    fresh.append(task_id)
                    self._names[self._key_of(task_id).encode()] = task_id
                tells.append(tell)
            if self._thread is None:
                thread = Thread(target=self._run, name="funboost-redis-replies", daemon=True)
                thread.start()  # it may be refused
                self._thread = thread
            self._send("SUBSCRIBE", fresh)

    def discard(self, task_ids: Iterable[str], tell: Tell) -> None:
        """Tell of these no more."""
        with self._lock:
            left = []
            for task_id in task_ids:
                tells = self._tells.get(task_id, [])
                if tell in tells:
                    tells.remove(tell)
                    if not tells:
                        left.append(task_id)
            self._forget(left)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._closed = True
            thread, link = self._thread, self._link
            if link is not None:
                try:
                    link.tell_all([("PING",)])  # wakes the thread
                except FunboostError:
                    pass
        if thread is not None and thread is not current_thread():
            thread.join(1)

    def _forget(self, task_ids: Sequence[str]) -> None:
        for task_id in task_ids:
            del self._tells[task_id], self._names[self._key_of(task_id).encode()]
        self._send("UNSUBSCRIBE", task_ids)

    def _send(self, command: str, task_ids: Sequence[str]) -> None:
        if self._link is not None and task_ids:
            try:
                self._link.tell_all([(command, *map(self._key_of, task_ids))])
            except FunboostError:  # the thread meets it too, and begins anew with all
                pass

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            link = None
            try:
                link = self._server.open()
                with self._lock:
                    self._link = link
                    self._send("SUBSCRIBE", list(self._tells))
                if self._listen(link):
                    return
            except FunboostError:  # it is away, or forbids channels to this user: look for what has come
                sleep(PAUSE)
                self._look_anyway()
            finally:
                with self._lock:
                    if self._link is link:  # else it is that of the thread which has followed
                        self._link = None
                if link is not None:
                    self._server.forget(link)
            if self._closed:
                return

    def _listen(self, link: Link) -> bool:
        """Look for what the server tells of; True when nobody waits any more."""
        while not self._closed:
            said = link.hear(SLICE)
            with self._lock:
                if said is None and not self._tells:
                    self._thread = self._link = None
                    return True
                wanted = set(self._tells) if said is None else set()
            while said is not None:
                task_id = self._names.get(said[1])  # whoever waited may have given up just now
                if said[0] in (b"subscribe", b"message") and task_id is not None:
                    wanted.add(task_id)
                said = link.hear(0)
            self._look(list(wanted))
        return True

    def _look_anyway(self) -> None:
        try:
            self._look(list(self._tells))
        except FunboostError:
            pass

    def _look(self, task_ids: list[str]) -> None:
        for start in range(0, len(task_ids), AT_ONCE):
            some = task_ids[start : start + AT_ONCE]
            found = self._server.ask_all([("LINDEX", self._key_of(task_id), 0) for task_id in some])
            there = {task_id: payload for task_id, payload in zip(some, found) if payload is not None}
            with self._lock:
                there = {task_id: payload for task_id, payload in there.items() if task_id in self._tells}
                tells = [(tell, task_id, there[task_id]) for task_id in there for tell in self._tells[task_id]]
                self._forget(list(there))
            for tell, task_id, payload in tells:
                tell(task_id, payload)
