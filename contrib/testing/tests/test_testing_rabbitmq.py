"""What the launcher of RabbitMQ knows of its servers."""

from __future__ import annotations

import threading
import types

import pytest
from funboost_testing.calls import Call
from funboost_testing.services import rabbitmq
from funboost_testing.services.rabbitmq import RabbitMQ

DECLARED = b"... rabbit_durable_queue ... queueA ..."
DECIDED = b"... decision ... committed"


def test_it_waits_until_what_was_declared_would_outlive_a_kill(tmp_path, monkeypatch):
    log = tmp_path / "data" / "node" / "LATEST.LOG"
    log.parent.mkdir(parents=True)
    server = types.SimpleNamespace(folder=tmp_path)
    log.write_bytes(DECLARED + DECIDED + DECLARED)
    waiting = threading.Thread(target=RabbitMQ().settle, args=(server,))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    log.write_bytes(log.read_bytes() + DECIDED)
    waiting.join(40)
    assert not waiting.is_alive()
    log.write_bytes(b"nothing was ever declared")
    RabbitMQ().settle(server)
    log.write_bytes(DECLARED)
    monkeypatch.setattr(rabbitmq, "PATIENCE", 0.01)
    with pytest.raises(RuntimeError, match="has not written"):
        RabbitMQ().settle(server)


def test_it_waits_while_the_log_begins_anew(tmp_path):
    """The server gives the full one another name before it opens the next."""
    log = tmp_path / "data" / "node" / "LATEST.LOG"
    log.parent.mkdir(parents=True)
    settling = Call(RabbitMQ().settle, types.SimpleNamespace(folder=tmp_path))
    assert settling.running(0.1)
    log.write_bytes(b"")
    settling.result()
