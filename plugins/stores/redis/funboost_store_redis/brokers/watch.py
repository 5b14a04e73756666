"""Who lives: a connection that a consumer holds and that ends with its process, and signs of life besides."""

from __future__ import annotations

from logging import Logger
from time import monotonic

from funboost_core.errors import ConfigError
from funboost_core.native import Lock

from ..link import Link
from ..server import Server
from .claims import Claimant
from .names import QueueKeys
from .scripts import BEAT

GRACE = 2.0
"""Beats after all connections have ended, in which the others may come back."""
LEAST = 1.5
"""Seconds of that at least: so long it may take until all have noticed that another server is the master now."""
DIG = 10
"""Beats between two looks at the waits of those that were taken for dead."""


class Watch:
    """Gives the signs of life of one consumer and buries those that give none.

    A consumer is dead when it has given no sign of life for a beat *and* the connection that it holds has ended: a task
    that lets no other thread run cannot give signs, but it does not close a connection.  It is dead too when it has given
    none for `lease` seconds: its host may have lost power, or it was stopped.
    """

    def __init__(self, claims: Claimant, keys: QueueKeys, beat: float, lease: float, logger: Logger) -> None:
        self._claims = claims
        self._server: Server = claims.server
        self._keys = keys
        self._beat = beat
        self._lease = lease
        self._logger = logger
        self._lock = Lock()
        self._held: Link | None = None
        self._may_list = True
        self._not_before = 0.0  # until then nobody is taken for dead
        self._beats = 0

    def enter(self) -> None:
        """Register the consumer."""
        with self._lock:
            held = self._hold()
            with self._server.link() as link:
                self._claims.enter(held.number(), link)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            held, self._held = self._held, None
            if held is not None:
                self._server.forget(held)

    def _hold(self) -> Link:
        """The connection that proves that we live; it is named, and nothing is ever asked on it again."""
        held = self._held
        if held is None or held.broken:
            held = self._server.open()
            try:
                held.number()
                held.ask("CLIENT", "SETNAME", _name(self._claims.id))
            except BaseException:
                self._server.forget(held)
                raise
            self._held = held
        return held

    def beat(self) -> None:
        """Give a sign of life and bury the dead.  Called once a beat."""
        with self._lock:
            if self._held is None:
                return
            self._beats += 1
            stale = self._sign()
            if stale and monotonic() >= self._not_before and not self._new_server():
                self._bury(stale)
            if self._beats % DIG == 0:
                keys = self._keys
                self._server.run(self._claims.scripts.exhume, [keys.graves, keys.lists[-1]], [keys.waiting])

    def _sign(self) -> list[tuple[str, int, float]]:
        """Consumers that have given no sign for a beat, with their connections and for how long they have not."""
        held = self._hold()
        if self._may_list and not self._listed([(self._claims.id, held.number())]):
            self._server.forget(held)
            held = self._hold()
            self._not_before = monotonic() + max(LEAST, GRACE * self._beat)  # those of others may have ended with ours
        keys = [self._claims.held, self._keys.owners]
        found = self._server.run(BEAT, keys, [self._claims.id, held.number(), self._beat, self._keys.held])
        triples = zip(found[::3], found[1::3], found[2::3]) if found else ()
        stale = [(name.decode(), int(number or 0), float(age)) for name, number, age in triples]
        return [entry for entry in stale if entry[0] != self._claims.id]

    def _listed(self, consumers: list[tuple[str, int]]) -> set[str]:
        """Those whose connection stands."""
        try:
            lines = self._server.ask("CLIENT", "LIST", "ID", *(number for _, number in consumers)).decode().splitlines()
        except ConfigError as error:
            self._may_list = False
            self._logger.warning(
                "queue %s: %s Until then a consumer whose process has ended is known only after lease_seconds.",
                self._keys.queue,
                error,
            )
            return {name for name, _ in consumers}
        names = {field[5:] for line in lines for field in line.split(" ") if field.startswith("name=")}
        return {name for name, _ in consumers if _name(name) in names}

    def _new_server(self) -> bool:
        """Whether the server has just started: then the others have to connect again first."""
        try:
            info = self._server.ask("INFO", "server").decode()
        except ConfigError:
            return False
        fields = dict(line.partition(":")[::2] for line in info.splitlines())
        return float(fields.get("uptime_in_seconds", "1e9")) <= GRACE * self._beat + 1

    def _bury(self, stale: list[tuple[str, int, float]]) -> None:
        living = (
            self._listed([(name, number) for name, number, _ in stale]) if self._may_list else {s[0] for s in stale}
        )
        for name, number, age in stale:
            if name not in living:
                self._bury_one(name, number, self._beat)
            elif age > self._lease:
                self._bury_one(name, number, self._lease)

    def _bury_one(self, name: str, connection: int, silent: float) -> None:
        keys = self._keys
        names = [keys.held + name, keys.waiting + name, keys.owners, keys.graves, keys.attempts, *keys.lists]
        number = self._server.run(self._claims.scripts.bury, names, [name, silent, connection])
        if number >= 0:
            self._logger.warning(
                "queue %s: consumer %s is gone; %d messages that it had not acknowledged are back",
                keys.queue,
                name,
                number,
            )


def _name(consumer: str) -> str:
    return f"funboost-{consumer}"
