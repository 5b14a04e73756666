"""The master that Sentinel names, followed also while the former one still answers.

A master that is told to step down takes writes for some ten seconds after another one has been put in its place, and
loses them when it becomes a replica.
"""

from __future__ import annotations

from time import monotonic

from funboost_core.native import Lock

from .address import Address
from .finders import Sentinels
from .link import Link
from .server import Server

LOOK = 0.5
"""Seconds between two questions to Sentinel, as long as connections are used."""
REST = 10.0
"""Seconds until it is asked again after it did not answer; new connections ask it anyway."""


class Master(Server):
    """Lends connections to the present master."""

    def __init__(self, address: Address, sentinels: Sentinels) -> None:
        super().__init__(address)
        self._sentinels = sentinels
        self._looking = Lock()
        self._next = 0.0

    def borrow(self) -> Link:
        """See `Server.borrow`."""
        self.look()
        return super().borrow()

    def look(self) -> None:
        """Ask Sentinel from time to time, and give up the connections to others than it names."""
        if monotonic() < self._next or not self._looking.acquire(False):
            return
        try:
            host = self._sentinels.look()
            self._next = monotonic() + (LOOK if host else REST)
            for link in list(self._links) if host else ():
                link.outdated = link.host != host
        finally:
            self._looking.release()

    def close(self) -> None:
        """Close all connections."""
        self._sentinels.close()
        super().close()
