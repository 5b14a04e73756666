"""Several Redis servers in one program: each queue on its own, by a name in the settings or by a URL."""

from __future__ import annotations

import pytest

from funboost_core import BoosterParams, Environment, boost
from funboost_core.errors import ConfigError

pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
pytestmark = pytest.mark.server


def keys(server):
    from funboost_store_redis.address import Address
    from funboost_store_redis.link import Link

    link = Link(Address(server.url, "x"))
    found = {key.decode() for key in link.ask("KEYS", "*")}
    link.drop()
    return found


@pytest.fixture
def environment():
    environment = Environment({"CONCURRENT_MODE": "threading", "BROKER_KIND": "REDIS_ACK_ABLE"})
    yield environment
    environment.worker.stop()
    environment.close()


def test_each_queue_is_on_its_own_server(start_redis, environment):
    main, orders, mails, state = (start_redis() for _ in range(4))
    environment.settings.values.update(REDIS_URL=main.url, REDIS_URL_ORDERS=orders.url, STATE_URL=state.url)

    def task(queue, **options):
        params = BoosterParams(queue_name=queue, broker_exclusive_config=options, is_using_rpc_mode=True)
        return boost(params, environment=environment)(lambda x: (queue, x))

    tasks = {
        "on_main": task("on_main"),
        "on_orders": task("on_orders", connection="orders"),
        "on_mails": task("on_mails", connection=mails.url),
        "on_mails_too": task("on_mails_too", connection=mails.url),
    }
    for one in tasks.values():
        one.push(1)
    assert keys(main) == {"on_main"}
    assert keys(orders) == {"on_orders"}
    assert keys(mails) == {"on_mails", "on_mails_too"}
    results = {name: one.push(2) for name, one in tasks.items()}
    for one in tasks.values():
        one.consume()
    assert {name: tuple(result.result) for name, result in results.items()} == {name: (name, 2) for name in tasks}
    assert all("result" in key or key.startswith("funboost") for key in keys(state)), "results are with the state"


def test_one_that_is_away_does_not_hold_up_the_others(start_redis, environment):
    main, orders = start_redis(), start_redis("--appendonly", "yes")
    environment.settings.values.update(REDIS_URL=main.url, REDIS_URL_ORDERS=orders.url, STATE_URL="memory://")
    here = boost(BoosterParams(queue_name="here", is_using_rpc_mode=True), environment=environment)(lambda x: x)
    options = {"connection": "orders"}
    params = BoosterParams(queue_name="there", is_using_rpc_mode=True, broker_exclusive_config=options)
    there = boost(params, environment=environment)(lambda x: x)
    here.consume()
    there.consume()
    assert there.push(1).result == 1
    orders.stop()
    assert [here.push(x).result for x in range(10)] == list(range(10))
    orders.start()
    assert there.push(2).result == 2


def test_a_name_that_no_setting_has_is_refused(environment):
    params = BoosterParams(queue_name="q", broker_exclusive_config={"connection": "order"})
    task = boost(params, environment=environment)(lambda x: x)
    with pytest.raises(ConfigError, match="connection='order' needs the setting REDIS_URL_ORDER, and it is empty"):
        task.push(1)
