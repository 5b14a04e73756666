"""Fixtures for the tests that are special to NATS."""

from __future__ import annotations

import itertools
import socket
from urllib.parse import urlsplit

import pytest
from funboost_testing.services import find

from funboost_core import Environment


class Foreign:
    """A program that knows nothing of us: a socket, and the protocol."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), 30)
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self._say('CONNECT {"verbose":false}')

    def _say(self, *lines):
        self._socket.sendall("".join(f"{line}\r\n" for line in (*lines, "PING")).encode())
        while not self._lines.readline().startswith(b"PONG"):
            pass

    def send(self, subject, text):
        self._say(f"PUB {subject} {len(text.encode())}", text)

    def listen(self, subject):
        self._say(f"SUB {subject} 1")

    def hear(self):
        """The next message."""
        while not (line := self._lines.readline()).startswith(b"MSG"):
            assert line
        return self._lines.read(int(line.split()[-1]))

    def close(self):
        self._lines.close()
        self._socket.close()


@pytest.fixture
def foreign(nats_place):
    foreign = Foreign(nats_place.url)
    yield foreign
    foreign.close()


@pytest.fixture
def make(tmp_path, nats_place):
    """``make(url, **settings)``: a program on that server."""
    made, numbers = [], itertools.count()

    def make(url=nats_place.url, **settings):
        values = {
            "BROKER_KIND": "NATS",
            "CONCURRENT_MODE": "threading",
            "DATA_DIR": str(tmp_path / str(next(numbers))),
            "STATE_URL": "memory://",
            "BEAT_SECONDS": 0.1,
            "NAMESPACE": nats_place.namespace,
            "NATS_URL": url,
        }
        made.append(Environment({**values, **settings}))
        return made[-1]

    yield make
    for environment in made:
        environment.close()


@pytest.fixture
def start_nats(nats_server):
    """``start_nats("--user", "anna", …)`` starts a further server, for this test alone."""
    started = []

    def start(*options):
        if not find("nats").executable():
            pytest.skip("a server of this test's own is needed, and no nats-server is installed here")
        started.append(find("nats").start(*options))
        return started[-1]

    yield start
    for server in started:
        server.close()
