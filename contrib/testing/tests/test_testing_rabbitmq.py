"""What the launcher of RabbitMQ knows of its servers."""

from __future__ import annotations

import threading
import types

import pytest
from funboost_testing.services import rabbitmq
from funboost_testing.services.rabbitmq import RabbitMQ

DECLARED = b"... rabbit_durable_queue ... queueA ..."
DECIDED = b"... decision ... committed"


def test_it_waits_until_what_was_declared_would_outlive_a_kill(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    log = tmp_path / "data" / "LATEST.LOG"
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
