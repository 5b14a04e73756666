"""Tidying away queues of which no record is left."""

from __future__ import annotations

import pytest
from funboost_store_redis.server import Server
from redis_helpers import until

from funboost_core.ports.store import Record

pytestmark = pytest.mark.server


def test_a_record_that_comes_while_its_queue_is_tidied_away_is_found(make_state, monkeypatch):
    state, saved = make_state(), []
    ask = Server.ask

    def save(task_id, queue, ttl):
        state.history.save([Record.of({"_id": task_id, "queue_name": queue, "time_start": 1.0})], ttl)

    def overtaken(its, *command):
        answer = ask(its, *command)
        if command[0] == "EXISTS" and not answer:  # that of q
            saved.append(True)
            save("new", "q", 60)
        return answer

    save("other", "p", 60)
    save("old", "q", 0.001)
    until(lambda: state.history.get("old") is None)
    with monkeypatch.context() as patch:
        patch.setattr(Server, "ask", overtaken)
        state.history.prune()
    if not saved:  # looking and removing are one step
        save("new", "q", 60)
    assert {record["_id"] for record in state.history.search()} == {"other", "new"}


def test_a_queue_without_records_is_tidied_away(make_state, server):
    state = make_state()
    for queue, ttl in (("p", 60), ("q", 0.001)):
        state.history.save([Record.of({"_id": queue, "queue_name": queue, "time_start": 1.0})], ttl)
    until(lambda: state.history.get("q") is None)
    state.history.prune()
    assert server.ask("SMEMBERS", state.history._queues) == [b"p"]
