"""Tasks by queue name: found, made, published to, started together."""

from __future__ import annotations

import os
import threading

import pytest
from funboost import Booster, BoosterParams, BoostersManager, PublisherParams, boost, managers

from funboost_core.environment import using
from funboost_core.errors import ConfigError, QueueUnknown, SignatureError


@pytest.fixture(autouse=True)
def program(environment):
    with using(environment):
        yield environment


@pytest.fixture
def started(monkeypatch):
    """What has been consumed when the blocking end of a method is reached."""
    seen = []
    monkeypatch.setattr(managers, "ctrl_c_recv", lambda: seen.append("blocked"))
    monkeypatch.setattr(Booster, "consume", lambda self: seen.append(self.queue_name))
    monkeypatch.setattr(Booster, "multi_process_consume", lambda self, n: seen.append((self.queue_name, n)))
    return seen


def task(queue, **fields):
    def function(x):
        return x

    return boost(BoosterParams(queue_name=queue, **fields))(function)


def test_tasks_are_found_by_queue_name(capsys):
    first, second = task("first", qps=3), task("second")
    assert BoostersManager.get_all_queues() == ["first", "second"]
    assert BoostersManager.get_booster("first") is first
    assert BoostersManager.get_or_create_booster_by_queue_name("second") is second
    assert BoostersManager.get_boost_params("first").qps == 3
    assert BoostersManager.pid_queue_name__booster_map == {
        (os.getpid(), "first"): first,
        (os.getpid(), "second"): second,
    }
    assert BoostersManager.queue_name__boost_params_map["second"] is second.boost_params
    BoostersManager.show_all_boosters()
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["first", "MEMORY_QUEUE"],
        ["second", "MEMORY_QUEUE"],
    ]
    with pytest.raises(ValueError, match="'third' is known in this process .known: first, second"):
        BoostersManager.get_booster("third")


def test_build_booster_makes_one_task_a_queue_also_from_many_threads():
    made, together = [], threading.Barrier(8)

    def function(x): ...

    def build():
        together.wait()
        made.append(BoostersManager.build_booster(BoosterParams(queue_name="q", consuming_function=function)))

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, made))) == 1
    assert BoostersManager.get_booster("q") is made[0]
    with pytest.raises(ValueError, match="build_booster needs consuming_function in the BoosterParams of 'other'"):
        BoostersManager.build_booster(BoosterParams(queue_name="other"))


def test_push_and_publish_by_queue_name(calls):
    @boost(BoosterParams(queue_name="q"))
    def function(x, y):
        calls.add(x, y)

    BoostersManager.push("q", 1, y=2)
    assert BoostersManager.publish("q", {"x": 3, "y": 4}, task_id="mine").task_id == "mine"
    function.consume()
    assert sorted(calls.wait(2)) == [(1, 2), (3, 4)]
    with pytest.raises(QueueUnknown):
        BoostersManager.push("unknown", 1)


def test_a_stub_function_publishes_for_the_project_that_has_the_real_one(environment, tmp_path):
    """Two programs with the same queues and state; in one of them the function is only declared."""
    shared = {"STATE_URL": "sqlite://", "DATA_DIR": str(tmp_path)}
    here, there = environment.like(shared), environment.like(shared)
    params = BoosterParams(queue_name="q", broker_kind="SQLITE_QUEUE", is_using_rpc_mode=True)

    @boost(params, environment=here)
    def add(x, y): ...

    @boost(params, environment=there)
    def really_add(x, y):
        return x + y

    result = add.push(1, y=2)
    with pytest.raises(SignatureError):
        add.push(1)
    really_add.consume()
    try:
        assert result.set_timeout(20).get() == 3
    finally:
        there.close()
        here.close()


def test_a_cross_project_publisher_needs_no_function(calls):
    where = PublisherParams(queue_name="q", broker_kind="MEMORY_QUEUE")
    publisher = BoostersManager.get_cross_project_publisher(where)
    assert BoostersManager.get_cross_project_publisher(PublisherParams(queue_name="q")) is not publisher  # other kind
    assert BoostersManager.get_cross_project_publisher(where.copy()) is publisher
    assert BoostersManager.get_all_queues() == []
    publisher.publish({"x": 1})
    publisher.send_msg({"x": 2})
    with pytest.raises(SignatureError, match="its function is not known here; use publish with a dict"):
        publisher.push(3)
    assert publisher.get_message_count() == 2

    @boost(BoosterParams(queue_name="q"))
    def function(x):
        calls.add(x)

    function.consume()
    assert sorted(calls.wait(2)) == [(1,), (2,)]


def test_a_cross_project_publisher_is_not_shared_with_a_forked_child_and_is_closed_with_the_program(program, tmp_path):
    program.settings.values["DATA_DIR"] = str(tmp_path)
    where = PublisherParams(queue_name="q", broker_kind="SQLITE_QUEUE")
    publisher = BoostersManager.get_cross_project_publisher(where)
    publisher.publish({"x": 1})
    program.registry.forget_connections()  # as after a fork
    child = BoostersManager.get_cross_project_publisher(where)
    assert child is not publisher
    assert child.get_message_count() == 1
    program.registry.close()
    assert child._boosted()._publisher is None, "the connection is closed"


def test_the_methods_that_consume_start_everything_and_then_block(started):
    task("a"), task("b-2")
    BoostersManager.consume("b-2", "a")
    assert started == ["b-2", "a", "blocked"]
    started.clear()
    BoostersManager.consume_all()
    BoostersManager.consume_all_queues(block=False)
    assert started == ["a", "b-2", "blocked", "a", "b-2"]
    started.clear()
    BoostersManager.m_consume(**{"b-2": 3, "a": 1})
    assert started == [("b-2", 3), ("a", 1), "blocked"]
    started.clear()
    BoostersManager.m_consume_all(2)
    assert started == [("a", 2), ("b-2", 2), "blocked"]


def test_an_unknown_queue_is_told_before_anything_starts(started):
    task("a")
    for consume in (lambda: BoostersManager.consume("a", "b"), lambda: BoostersManager.m_consume(a=1, b=1)):
        with pytest.raises(QueueUnknown):
            consume()
    assert started == []


def test_consuming_all_of_nothing_says_what_is_missing(started):
    for consume in (BoostersManager.consume_all, BoostersManager.m_consume_all):
        with pytest.raises(ConfigError, match=r"no task is known in this process\. Import .* or use BoosterDiscovery"):
            consume()
    assert started == []


def test_groups_are_started_together(started):
    task("a", booster_group="one"), task("b", booster_group="two"), task("c", booster_group="one"), task("d")
    BoostersManager.consume_group("one")
    BoostersManager.m_consume_group("two", 4)
    assert started == ["a", "c", "blocked", ("b", 4), "blocked"]
    with pytest.raises(ConfigError, match=r"booster_group='three' \(groups: one, two\)"):
        BoostersManager.consume_group("three")
