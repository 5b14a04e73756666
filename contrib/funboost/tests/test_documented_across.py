"""The documentation's ways to publish for a function of another project, rewritten: chapter 4.13; and push beside publish: 4.25."""

from __future__ import annotations

import asyncio
import json

import pytest
from funboost import (
    BoosterDiscovery,
    BoosterParams,
    BoostersManager,
    BrokerEnum,
    PriorityConsumingControlConfig,
    PublisherParams,
    boost,
    fct,
)

from funboost_core.environment import Environment, using


@pytest.mark.server
def test_by_any_client_of_the_broker(on_redis, redis_place, calls):
    """Chapter 4.13, first way: another program pushes plain JSON to the list of the queue."""
    import redis

    @boost(BoosterParams(queue_name="test_queue668", broker_kind=BrokerEnum.REDIS))
    def add(x, y):
        calls.add(x + y)

    with redis.Redis.from_url(redis_place.url) as client:
        for i in range(10):
            add.push(i, i * 2)
            client.lpush(".".join(filter(None, (redis_place.namespace, "test_queue668"))), json.dumps({"x": i, "y": 1}))
    add.consume()
    assert sorted(calls.wait(20)) == sorted((s,) for i in range(10) for s in (3 * i, i + 1))


@pytest.mark.server
def test_by_a_function_without_a_body(on_redis, calls):
    """Chapter 4.13, second way: the other project declares the same arguments and nothing more."""
    params = BoosterParams(queue_name="test_queue668", broker_kind=BrokerEnum.REDIS)
    other = Environment(on_redis.settings.values)
    other.aliases, other.settings.defaults = on_redis.aliases, on_redis.settings.defaults
    with using(other):

        @boost(params)
        def stub(x, y):
            pass

        stub.push(1, y=2)
    other.close()

    @boost(params)
    def add(x, y):
        calls.add(x + y)

    add.consume()
    assert calls.wait(1) == [(3,)]


@pytest.mark.server
def test_by_a_publisher_of_the_queue_alone(on_redis, calls):
    """Chapter 4.13, third way: `publish` adds what belongs to a message, `send_msg` sends what it is given."""
    where = PublisherParams(
        queue_name="test_cross_queue1", broker_kind=BrokerEnum.REDIS, publish_msg_log_use_full_msg=True
    )
    publisher = BoostersManager.get_cross_project_publisher(where)
    publisher.publish({"a": 1, "b": 2})
    publisher.send_msg({"a": 5, "b": 6})

    @boost(BoosterParams(queue_name="test_cross_queue1", broker_kind=BrokerEnum.REDIS))
    def f(a, b):
        calls.add(a, b, "publish_time" in fct.full_msg.get("extra", {}))

    f.consume()
    assert {call[:2] for call in calls.wait(2)} == {(1, 2), (5, 6)}
    assert (1, 2, True) in calls.seen


TASK = """
from funboost import boost, BoosterParams

@boost(BoosterParams(queue_name="over_http", is_using_rpc_mode=True))
def f(x):
    return x + 1
"""


def test_by_the_http_api(documented, tmp_path):
    """Chapter 4.13, fourth way: the tasks are found in a folder; with the result."""
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("fastapi")
    from funboost.contrib.api_publish_msg import app

    folder = tmp_path / "documented_api_tasks"
    folder.mkdir()
    (folder / "documented_api_task.py").write_text(TASK, encoding="utf-8")
    BoosterDiscovery(project_root_path=tmp_path, booster_dirs=[folder]).auto_discovery()
    BoostersManager.get_booster("over_http").consume()

    async def ask():
        body = {"queue_name": "over_http", "msg_body": {"x": 41}, "need_result": True, "timeout": 50}
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return (await client.post("/funboost_publish_msg", json=body)).json()

    answer = asyncio.run(ask())
    assert (answer["succ"], answer["status_and_result"]["result"]) == (True, 42)


def test_push_takes_arguments_and_publish_a_dict_and_controls(documented, calls):
    """Chapter 4.25."""

    @boost(BoosterParams(queue_name="test_queue_pub"))
    def add(a, b):
        calls.add(a, b, fct.task_id)
        return a + b

    add.push(1, 2)
    add.push(1, b=2)
    add.push(a=1, b=2)
    add.publish({"a": 1, "b": 2})
    config = PriorityConsumingControlConfig(is_using_rpc_mode=True)
    result = add.publish({"a": 1, "b": 2}, task_id=100005, priority_control_config=config)
    add.consume()
    assert result.result == 3
    seen = calls.wait(5)
    assert {call[:2] for call in seen} == {(1, 2)}
    ids = {str(task_id) for *_, task_id in seen}
    assert len(ids) == 5
    assert "100005" in ids
