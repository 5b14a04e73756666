"""A wire whose clients send into the void for a while."""

from __future__ import annotations

import threading

from funboost_testing.services import Proxy


class Holding(Proxy):
    """After `hold` what clients send stays here, from the packet on that has `mark` in it, and nothing more is read.

    `held` is set once there is such a packet; `let_go` passes everything on.
    """

    def __init__(self, url):
        self._mark = None
        self._go = threading.Event()
        self.held = threading.Event()
        super().__init__(url)

    def hold(self, mark=b""):
        self._mark = mark

    def let_go(self):
        self._mark = None
        self._go.set()

    def close(self):
        super().close()
        self.let_go()

    def _pass(self, source, target, counted):
        super()._pass(_Source(source, self._looked_at) if counted else source, target, counted)

    def _looked_at(self, data):
        if self._mark is not None and self._mark in data:
            self.held.set()
            self._go.wait()
        return data


class _Source:
    def __init__(self, source, looked_at):
        self._source = source
        self._looked_at = looked_at

    def recv(self, size):
        return self._looked_at(self._source.recv(size))

    def __getattr__(self, name):
        return getattr(self._source, name)
