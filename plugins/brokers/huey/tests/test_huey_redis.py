"""HUEY on Redis: what is told, and what a cut leaves."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from huey import storage
from huey.storage import PriorityRedisStorage, SqliteStorage

from funboost_core import BoosterParams, BrokerUnavailable, ConfigError, Environment, boost

pytest.importorskip("redis")
pytestmark = pytest.mark.server


@pytest.fixture
def make(tmp_path):
    """``make(url, **options)``: a task whose queue is there, and what it has seen."""
    made = []

    def make(server, **options):
        settings = {
            "BROKER_KIND": "HUEY",
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://",
            "REDIS_URL": server,
        }
        environment, seen = Environment({**settings, "DATA_DIR": str(tmp_path)}), []
        made.append(environment)
        params = BoosterParams(queue_name="q", broker_exclusive_config={"max_delay": 0.05, **options})
        return boost(params, environment=environment)(lambda x: seen.append(x)), seen

    yield make
    for environment in made:
        environment.close()


def storage_of(task):
    broker = task.task.make_broker()
    try:
        return broker._queue.huey.storage
    finally:
        broker.close()


def test_the_setting_or_the_option_says_where(make, tmp_path):
    assert isinstance(storage_of(make("redis://127.0.0.1:1")[0]), PriorityRedisStorage)
    assert isinstance(storage_of(make("", url="redis://127.0.0.1:1")[0]), PriorityRedisStorage)
    assert isinstance(storage_of(make("redis://127.0.0.1:1", filename=str(tmp_path / "f"))[0]), SqliteStorage)
    assert isinstance(storage_of(make("")[0]), SqliteStorage)


def test_what_redis_holds_is_no_pickle(make, redis_place):
    task, _ = make(redis_place.url)
    task.push("abc")
    found = storage_of(task).enqueued_items()
    assert found
    assert all(body.startswith(b"[") for body in found)
    task.clear()
    assert task.get_message_count() == 0


def test_a_missing_server_is_one_clear_error(make):
    task, _ = make("redis://:s3cret@127.0.0.1:1")
    for what in (lambda: task.push(1), task.get_message_count):
        with pytest.raises(BrokerUnavailable, match=r"from REDIS_URL") as error:
            what()
        assert "s3cret" not in str(error.value)


def test_a_wrong_password_is_one_clear_error_without_it(make, start_redis):
    server = start_redis("--requirepass", "s3cret")
    with pytest.raises(ConfigError, match=r"refuses us .*Write user and password into REDIS_URL") as error:
        make(server.url.replace("://", "://:wr0ng@"))[0].push(1)
    assert "wr0ng" not in str(error.value)
    make(server.url.replace("://", "://:s3cret@"))[0].push(1)


def test_what_is_no_url_of_a_server_is_refused(make):
    with pytest.raises(ConfigError, match=r"REDIS_URL is .*names no Redis server") as error:
        make("http://:s3cret@127.0.0.1:1")[0].push(1)
    assert "s3cret" not in str(error.value)


def test_a_missing_library_is_one_clear_error(make, monkeypatch):
    monkeypatch.setattr(storage, "Redis", None)
    with pytest.raises(ConfigError, match="pip install redis"):
        make("redis://127.0.0.1:1")[0].push(1)


def test_consuming_goes_on_after_restarts_of_the_server(make, start_redis):
    server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    task, seen = make(server.url)
    task.consume()
    for number in range(3):
        end, pushed = time.monotonic() + 20, False
        while number not in seen:
            assert time.monotonic() < end
            with suppress(BrokerUnavailable):  # it answers, but is not ready yet
                pushed = pushed or task.push(number)
            time.sleep(0.01)
        server.kill()
        with pytest.raises(BrokerUnavailable):
            task.push(-1)
        server.start()
    assert task.task.environment.worker.stop()
    assert seen == [0, 1, 2]
