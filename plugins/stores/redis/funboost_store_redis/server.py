"""The connections of this process to one server, lent to one thread at a time and shared by all its users."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

from funboost_core.native import Lock, current_thread, patched

from .address import Address, is_cluster
from .link import Link, Script

T = TypeVar("T")
REST = 0.02
"""Seconds after which an idle connection is looked at before it is used."""
MOST_IDLE = 32
"""Idle connections that are kept."""

_by_url: dict[tuple[str, str, int | None], Server] = {}
_lock = Lock()


def emptied(idle: deque[T]) -> Iterator[T]:
    """Takes out one after the other; so may other threads."""
    try:
        while True:
            yield idle.pop()
    except IndexError:
        pass


class Server:
    """Lends connections; `attach` gives the one of a URL.

    In a monkey-patched process a socket belongs to the thread that opened it: there, each thread has its own.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.users: set[int] = set()
        self.closed = False
        self._links: set[Link] = set()
        self._all: deque[Link] = deque()
        self._of_thread: dict[Any, deque[Link]] = {}

    def _idle(self) -> deque[Link]:
        if not patched:
            return self._all
        thread = current_thread()
        idle = self._of_thread.get(thread)
        if idle is None:
            self._tidy()
            idle = self._of_thread[thread] = deque()
        return idle

    def _tidy(self) -> None:
        """Close what threads have left that have ended."""
        for thread in list(self._of_thread):
            if not thread.is_alive():
                for link in emptied(self._of_thread.pop(thread, deque())):
                    self.forget(link)

    def borrow(self) -> Link:
        """A connection for this thread until `give_back`."""
        idle = self._idle()
        while True:
            try:
                link = idle.pop()
            except IndexError:
                return self.open()
            if not link.outdated and (monotonic() - link.used < REST or not link.stale()):
                return link
            self.forget(link)

    def look(self) -> None:
        """Find out whether connections have become those to a wrong server, where that may be."""

    def open(self) -> Link:
        """A new connection that is not shared; `forget` ends it."""
        link = Link(self.address)
        self._links.add(link)
        return link

    def give_back(self, link: Link) -> None:
        """Let others use it; a broken one is forgotten, and so are all where another server has taken over."""
        idle = self._idle()
        if link.outdated:
            for other in emptied(idle):
                self.forget(other)
        if link.broken or link.outdated or self.closed or len(idle) >= MOST_IDLE:
            self.forget(link)
        else:
            link.used = monotonic()
            idle.append(link)

    def forget(self, link: Link) -> None:
        """Close a connection."""
        self._links.discard(link)
        link.drop()

    @contextmanager
    def link(self, key: Any = "") -> Iterator[Link]:
        """A connection for several commands, all of them for `key` or for keys beside it."""
        link = self.borrow()
        try:
            yield link
        finally:
            self.give_back(link)

    def ask(self, *command: Any) -> Any:
        """The reply to one command."""
        link = self.borrow()
        try:
            return link.ask(*command)
        finally:
            self.give_back(link)

    def ask_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The replies to several commands, sent at once."""
        with self.link() as link:
            return link.ask_all(commands)

    def run(self, script: Script, keys: Sequence[Any], arguments: Iterable[Any] = ()) -> Any:
        """What a script returns."""
        link = self.borrow()
        try:
            return link.run(script, keys, arguments)
        finally:
            self.give_back(link)

    def close(self) -> None:
        """Close all connections, also those that are lent."""
        self.closed = True
        for link in list(self._links):
            self.forget(link)
        self._all.clear()
        self._of_thread.clear()


def attach(url: str, setting: str, user: object, key: str = "") -> Server:
    """The server at `url`, until `user` detaches.

    Of a cluster: the node that has `key`, whichever it is at the time; with "" all of them as one.

    Raises:
        ConfigError: it is no URL of a Redis server.
    """
    slot, clustered = None, is_cluster(url)
    if clustered and key:
        from .finders import slot_of

        slot = slot_of(key)
    with _lock:
        server = _by_url.get((url, setting, slot))
        if server is None:
            server = _by_url[url, setting, slot] = _make(Address(url, setting, slot), clustered and not key)
        server.users.add(id(user))
        return server


def _make(address: Address, many: bool) -> Server:
    if many:
        from .cluster import Cluster

        return Cluster(address)
    if address.sentinels is not None:
        from .master import Master

        return Master(address, address.sentinels)
    return Server(address)


def detach(server: Server, user: object) -> None:
    """Close its connections if `user` was the last one."""
    with _lock:
        server.users.discard(id(user))
        if server.users or server.closed:
            return
        address = server.address
        _by_url.pop((address.url, address.setting, address.slot), None)
    server.close()


def _after_in_child() -> None:
    """The parent's connections are not ours, and must not seem to live when the parent has died."""
    global _lock
    _lock = Lock()
    for server in _by_url.values():
        server.close()
    _by_url.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
