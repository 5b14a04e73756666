"""A Redis Cluster as one server, for keys that are on many of its nodes: the state's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from .address import Address
from .errors import CLIENT_ERRORS, RedisUnavailable, SlotMoved, explain
from .finders import Host, slot_of
from .link import Link, Script
from .server import Server

T = TypeVar("T")
TRIES = 3
"""How often a key is looked for that has moved."""


class Cluster(Server):
    """Each command goes to the node that has its key; several may be made twice when their keys just move."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._nodes: dict[Host, Server] = {}
        self._table: list[Host | None] | None = None  # the node of each slot; None: to be asked for

    def of(self, key: Any) -> Server:
        """The node that has `key`."""
        table = self._table
        if table is None:
            table = self._table = self._learn()
        host = table[slot_of(key)]
        if host is None:
            self._table = None
            raise self._unavailable(f"no node has the key {key!r}")
        node = self._nodes.get(host)
        if node is None:
            node = self._nodes.setdefault(host, Server(self.address.node(host)))
        return node

    def _learn(self) -> list[Host | None]:
        nodes, address = self.address.nodes, self.address
        assert nodes is not None
        try:
            return nodes.table()
        except CLIENT_ERRORS as error:
            raise explain(error, address.shown, address.setting, clustered=True) from error

    def _unavailable(self, error: str) -> RedisUnavailable:
        return RedisUnavailable(server=self.address.shown, error=error, setting=self.address.setting)

    def _at(self, key: Any, do: Callable[[Server], T]) -> T:
        """What `do` returns for the node that has `key`."""
        for _ in range(TRIES):
            try:
                return do(self.of(key))
            except SlotMoved as error:  # it has done nothing
                self._table, moved = None, error
            except RedisUnavailable:  # another one may take its place
                self._table = None
                raise
        raise moved

    @contextmanager
    def link(self, key: Any = "") -> Iterator[Link]:
        """See `Server.link`."""
        try:
            with self.of(key).link() as link:
                yield link
        except RedisUnavailable:
            self._table = None
            raise

    def ask(self, *command: Any) -> Any:
        """See `Server.ask`; a command without a key goes to any node."""
        if len(command) == 1:
            return super().ask(*command)
        return self._at(command[1], lambda node: node.ask(*command))

    def ask_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """See `Server.ask_all`; each has a key."""
        replies: dict[int, Any] = {}
        for _ in range(TRIES):
            shares: dict[Server, list[int]] = {}
            for place, command in enumerate(commands):
                if place not in replies:
                    shares.setdefault(self.of(command[1]), []).append(place)
            try:
                for node, places in shares.items():
                    replies.update(zip(places, node.ask_all([commands[place] for place in places])))
            except SlotMoved as error:
                self._table, moved = None, error
            except RedisUnavailable:
                self._table = None
                raise
            else:
                return [replies[place] for place in range(len(commands))]
        raise moved

    def run(self, script: Script, keys: Sequence[Any], arguments: Iterable[Any] = ()) -> Any:
        """See `Server.run`."""
        given = list(arguments)
        return self._at(keys[0], lambda node: node.run(script, keys, given))

    def close(self) -> None:
        """Close the connections to all nodes."""
        for node in list(self._nodes.values()):
            node.close()
        super().close()
