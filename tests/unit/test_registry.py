"""registry: tasks by queue name."""

from __future__ import annotations

import pytest
from funboost_testing.calls import Call

from funboost_core.errors import QueueUnknown


def test_tasks_are_found_by_queue_name(program):
    registry = program.environment.registry
    one, two = program.booster(queue_name="one"), program.booster(queue_name="two")
    assert registry["one"] is one
    assert "two" in registry
    assert "three" not in registry
    assert sorted(registry) == ["one", "two"]
    with pytest.raises(QueueUnknown, match=r"queue_name='three'.*known: one, two"):
        registry["three"]
    assert two.queue_name == "two"


def test_an_empty_registry_says_so(program):
    with pytest.raises(QueueUnknown, match="known: none"):
        program.environment.registry["q"]


def test_the_last_one_decorated_is_the_one_found(program):
    program.booster()
    second = program.booster()
    assert program.environment.registry["q"] is second


def test_closing_closes_the_connections_and_publishing_opens_another(program):
    booster = program.booster()
    booster.push(1)
    program.environment.registry.close()
    assert program.server.brokers[0].closed
    booster.push(2)
    assert len(program.server.brokers) == 2
    assert len(program.server.bodies("q")) == 2


def test_closing_waits_for_a_connection_that_is_being_made(program, monkeypatch):
    from funboost_core.publishing.publisher import Publisher

    booster, make, closings = program.booster(), Publisher.__init__, []

    def making(publisher, task):
        make(publisher, task)
        closings.append(Call(booster.close))
        assert closings[0].running(0.5)

    monkeypatch.setattr(Publisher, "__init__", making)
    assert booster.publisher is not None
    closings[0].result()
    assert all(broker.closed for broker in program.server.brokers)
