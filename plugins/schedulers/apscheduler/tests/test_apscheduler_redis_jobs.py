"""Jobs in Redis: what the suite does not see."""

from __future__ import annotations

import json
import sys

import pytest
from funboost_testing.services.base import free_port

from funboost_core import ConfigError
from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.scheduler import Schedule

EVERY_TEN = Schedule("s", {"kind": "interval", "seconds": 10}, (1,))


@pytest.fixture
def table(stage, redis_place):
    pytest.importorskip("funboost_store_redis", reason="funboost-store-redis is not installed here")
    scheduler = stage.scheduler("redis", REDIS_URL=redis_place.url, NAMESPACE=redis_place.namespace)
    scheduler.add(EVERY_TEN)
    table = scheduler.aps_obj._store.table
    yield table
    table.close()


@pytest.mark.server
def test_jobs_are_json_under_names_of_their_own(table, stage):
    """APScheduler deletes what it finds under the earlier names and cannot unpickle."""
    due = stage.clock.time() + 10
    start = stage.environments[-1].namespaced("funboost.apscheduler")
    [packed] = table._server.ask("HVALS", f"{start}.jobs.json:{{q}}")
    assert json.loads(packed.partition(b"\n")[2])["args"] == [1]
    assert table._server.ask("ZRANGE", f"{start}.run_times.json:{{q}}", 0, -1, "WITHSCORES")[0] == b"s"
    assert table.next_ready("q") == due
    table.clear("q")
    assert table._server.ask("KEYS", f"{start}*") == []


@pytest.mark.server
def test_a_released_table_opens_again(table):
    table.close()
    assert [row.id for row in table.all("q")] == ["s"]


@pytest.mark.server
def test_a_job_that_somebody_deleted_by_hand_does_not_stop_the_others(table, stage):
    [row] = table.all("q")
    table.insert(row._replace(id="deleted", ready=row.ready - 5))
    table._server.ask("HDEL", table._names("q")[0], "deleted")
    assert [claimed.id for claimed in table.claim("q", stage.clock.time() + 60, 10, 10)] == ["s"]
    assert table.next_ready("q") == stage.clock.time() + 70


def test_a_server_that_is_away_may_come(stage):
    pytest.importorskip("funboost_store_redis", reason="funboost-store-redis is not installed here")
    scheduler = stage.scheduler("redis", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    with pytest.raises(BrokerUnavailable, match="REDIS_URL"):
        scheduler.add(EVERY_TEN)


def test_without_the_distribution_it_says_what_to_install(stage, monkeypatch):
    for name in list(sys.modules):
        if name.startswith("funboost_store_redis.") or name == "funboost_scheduler_apscheduler.tables.redis":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "funboost_store_redis", None)
    with pytest.raises(ConfigError, match="'Redis' needs funboost-store-redis: pip install funboost-store-redis"):
        stage.scheduler("Redis")
