"""Which of several servers to connect to: asked at each connection, for it may have changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ResponseError

from .errors import CLIENT_ERRORS

Host = tuple[str, int]
QUICK = 0.5
"""Seconds that a sentinel may take to answer while somebody else waits for the answer."""
SLOTS = 16384
"""Parts of a cluster's keys."""


def slot_of(key: str | bytes) -> int:
    """The part of a cluster that has `key`: it depends on what stands in the first braces, or on all of it."""
    return int(key_slot(key if isinstance(key, bytes) else str(key).encode()))


class Finder(ABC):
    """Knows some of the servers."""

    @abstractmethod
    def find(self) -> Host:
        """The one to connect to; raises what the client raises."""


class Sentinels(Finder):
    """The master of a service that Sentinel watches."""

    def __init__(self, hosts: Sequence[Host], service: str, options: dict[str, Any]) -> None:
        self._hosts = list(hosts)
        self._service = service
        self._options = options
        self._asked: Any = None  # the one that is asked again and again

    def find(self) -> Host:
        """The present master."""
        sentinel = self._make(self._hosts, self._options)
        try:
            host, port = sentinel.discover_master(self._service)
        finally:
            for client in sentinel.sentinels:
                client.close()
        return str(host), int(port)

    def look(self) -> Host | None:
        """The present master, as one of the sentinels says, quickly and over a connection that is kept; None: no answer."""
        asked = self._asked
        if asked is None:
            limits = {"socket_timeout": QUICK, "socket_connect_timeout": QUICK}
            asked = self._asked = self._make(self._hosts[:1], {**self._options, **limits})
        try:
            host, port = asked.discover_master(self._service)
        except CLIENT_ERRORS:
            self.close()
            self._hosts = [*self._hosts[1:], self._hosts[0]]  # a new list: others may be going through the old one
            return None
        return str(host), int(port)

    def close(self) -> None:
        """Let go of the connection that is kept."""
        asked, self._asked = self._asked, None
        for client in asked.sentinels if asked is not None else ():
            client.close()

    def _make(self, hosts: Sequence[Host], options: dict[str, Any]) -> Any:
        from redis.sentinel import Sentinel

        make: Any = Sentinel  # which has no types
        return make(hosts, sentinel_kwargs=options)


class Nodes(Finder):
    """The node of a cluster that has the keys of `slot`, or any node.

    Args:
        hosts: some of the nodes; the others are learnt from them.
        cls: redis-py's class of connections.
        options: its arguments.
        slot: which keys; None for any node.
    """

    def __init__(self, hosts: Sequence[Host], cls: Any, options: dict[str, Any], slot: int | None) -> None:
        self._named = self._known = list(hosts)
        self._cls = cls
        self._options = options
        self._slot = slot

    def find(self) -> Host:
        """The node, as another one tells."""
        answering, ranges = self._ask()
        if self._slot is None:
            return answering
        for first, last, host in ranges:
            if first <= self._slot <= last:
                return host
        raise NotConnected(f"no node of the cluster has the slot {self._slot}")

    def table(self) -> list[Host | None]:
        """The node of each slot."""
        table: list[Host | None] = [None] * SLOTS
        for first, last, host in self._ask()[1]:
            table[first : last + 1] = [host] * (last + 1 - first)
        return table

    def _ask(self) -> tuple[Host, list[tuple[int, int, Host]]]:
        """The first node that answers, and the masters of all slots according to it."""
        failure: Exception = NotConnected("no node of the cluster answers")
        for host in self._known:
            connection = self._cls(**{**self._options, "host": host[0], "port": host[1]})
            try:
                connection.connect()
                connection.send_command("CLUSTER", "SLOTS")
                ranges = [_range(entry, host) for entry in connection.read_response(True)]
            except ResponseError:  # it is no cluster, or we may not ask
                raise
            except CLIENT_ERRORS as error:
                failure = error
                continue
            finally:
                connection.disconnect()
            masters = dict.fromkeys(master for _, _, master in ranges)
            self._known = list(dict.fromkeys([host, *masters, *self._named]))
            return host, ranges
        raise failure


def _range(entry: Sequence[Any], asked: Host) -> tuple[int, int, Host]:
    first, last, master = entry[:3]
    name = (master[0] or b"").decode()
    return first, last, (name if name not in {"", "?"} else asked[0], master[1])
