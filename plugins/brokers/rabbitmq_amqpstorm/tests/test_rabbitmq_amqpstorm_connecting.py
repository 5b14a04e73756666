"""What the library's own threads do while ours looks, and its versions."""

from __future__ import annotations

import runpy
import sys
import threading
from types import ModuleType

import pamqp
import pytest
from funboost_broker_rabbitmq_amqpstorm import connecting, frames, wire

from funboost_core import BoosterParams, ConfigError, Environment, boost

WAIT = 30


@pytest.mark.server
def test_why_the_server_refuses_is_known_to_whoever_sees_that_it_does(monkeypatch, rabbitmq_place, tmp_path):
    class Slow(connecting.Connection):
        """The thread that reads stands still when it has noted that the connection is closed."""

        def __init__(self, *arguments, **options):
            self.seen = threading.Event()
            super().__init__(*arguments, **options)

        def set_state(self, state):
            super().set_state(state)
            if state == self.CLOSED and threading.current_thread() is self._io._inbound_thread:
                self.seen.wait(WAIT)

        def close(self):
            self.seen.set()
            super().close()

    monkeypatch.setattr(wire, "Connection", Slow)
    url = rabbitmq_place.url.replace("guest:guest@", "guest:wrong@")
    environment = Environment({"RABBITMQ_URL": url, "STATE_URL": "memory://", "DATA_DIR": str(tmp_path)})
    params = BoosterParams(queue_name="q", broker_kind="RABBITMQ_AMQPSTORM", concurrent_mode="threading")
    with pytest.raises(ConfigError, match="refuses the user name or the password"):
        boost(params, environment=environment)(lambda x: None).push(1)
    environment.close()


def test_an_older_library_calls_its_frames_otherwise(monkeypatch):
    """Version 2, which is the last one for Python 3.9 and 3.10."""
    older = ModuleType("pamqp.specification")
    monkeypatch.setitem(sys.modules, "pamqp.commands", None)
    monkeypatch.delattr(pamqp, "commands", raising=False)
    monkeypatch.setitem(sys.modules, older.__name__, older)
    monkeypatch.setattr(pamqp, "specification", older, raising=False)
    assert runpy.run_path(frames.__file__)["commands"] is older
