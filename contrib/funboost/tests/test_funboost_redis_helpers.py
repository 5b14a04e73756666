"""Clients of Redis, the ten-line consumer, and the example of a broker on it: on a real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest
from funboost import BoosterParams, RedisMixin, boost

from funboost_core.environment import using
from funboost_core.errors import ConfigError

WAIT = 40


@pytest.fixture(autouse=True)
def program(environment):
    with using(environment):
        yield environment


@pytest.fixture
def server(start_redis, program):
    """A server for one test alone, as the program's configured one: both its databases; clients of it are closed.

    Not a `redis_place`: that is one database, and its number may be the one that is configured for results.
    """
    pytest.importorskip("redis")
    parts = urlsplit(start_redis().url)
    program.settings.values.update(REDIS_HOST=parts.hostname, REDIS_PORT=parts.port)
    yield
    from funboost.utils import redis_manager

    for db in (RedisMixin().redis_db_frame, RedisMixin().redis_db_filter_and_rpc_result):
        db.connection_pool.disconnect()
    redis_manager._client.cache_clear()


def _where(client):
    options = client.connection_pool.connection_kwargs
    return options.get("host") or options["path"], options.get("port"), options.get("db")


@pytest.mark.parametrize(
    ("settings", "frame", "second"),
    [
        ({}, ("127.0.0.1", 6379, 7), ("127.0.0.1", 6379, 8)),
        ({"REDIS_DB": 3, "REDIS_DB_FILTER_AND_RPC_RESULT": "4"}, ("127.0.0.1", 6379, 3), ("127.0.0.1", 6379, 4)),
        ({"REDIS_URL": "redis://:p%40ss@there:1/5"}, ("there", 1, 5), ("there", 1, 8)),
        ({"REDIS_URL": "redis://there"}, ("there", None, 0), ("there", None, 8)),
        ({"REDIS_URL": "unix:///run/redis.sock?db=2"}, ("/run/redis.sock", None, 2), ("/run/redis.sock", None, 8)),
        ({"REDIS_HOST": "there", "REDIS_PASSWORD": "p@ss/"}, ("there", 6379, 7), ("there", 6379, 8)),
    ],
)
def test_clients_are_those_of_the_settings(program, settings, frame, second):
    pytest.importorskip("redis")
    program.settings.values.update(settings)
    mixin = RedisMixin()
    assert (_where(mixin.redis_db_frame), _where(mixin.redis_db_filter_and_rpc_result)) == (frame, second)
    assert mixin.redis_db_n(9) is RedisMixin().redis_db_n(9)
    assert _where(mixin.redis_db_n(9))[2] == 9
    password = mixin.redis_db_frame.connection_pool.connection_kwargs.get("password")
    assert password == {"redis://:p%40ss@there:1/5": "p@ss"}.get(
        settings.get("REDIS_URL"), settings.get("REDIS_PASSWORD")
    )


@pytest.mark.parametrize("scheme", ["redis+cluster", "redis+sentinel"])
def test_several_servers_are_refused_by_name(program, scheme):
    program.settings.values["REDIS_URL"] = f"{scheme}://:secret@a:1,b:2/x"
    with pytest.raises(ConfigError, match=rf"REDIS_URL begins with {scheme.replace('+', '.')}://") as error:
        RedisMixin().redis_db_frame
    assert "secret" not in str(error.value)


def test_without_the_library_the_extra_is_named(monkeypatch):
    from funboost.utils import redis_manager

    redis_manager._client.cache_clear()
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigError, match=r"pip install funboost\[redis\]"):
        RedisMixin().redis_db_frame


def test_importing_the_mixin_imports_no_client():
    code = "import sys; from funboost import RedisMixin; RedisMixin(); assert 'redis' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.server
def test_text_goes_in_and_comes_out(server):
    class Mine(RedisMixin):
        def keep(self):
            self.redis_db_frame.set("name", "值")
            return self.redis_db_frame.get("name")

    mine = Mine()
    assert mine.keep() == "值"
    assert mine.redis_db_filter_and_rpc_result.get("name") is None
    seconds, _ = mine.redis_db_frame.time()
    assert 0 <= mine.timestamp() - seconds < 60


@pytest.mark.server
def test_coroutines_have_clients_of_their_own(server):
    from funboost.utils.redis_manager import AioRedisMixin

    async def keep():
        mixin = AioRedisMixin()
        await mixin.aioredis_db_frame.set("name", "here")
        found = await mixin.aioredis_db_frame.get("name"), await mixin.aioredis_db_filter_and_rpc_result.get("name")
        await mixin.aioredis_db_frame.aclose()
        await mixin.aioredis_db_filter_and_rpc_result.aclose()
        return found

    assert asyncio.run(keep()) == ("here", None)
    assert RedisMixin().redis_db_frame.get("name") == "here"


@pytest.mark.server
def test_the_ten_line_consumer(server, monkeypatch, calls, caplog):
    import redis
    from funboost.beggar_version_implementation import beggar_redis_consumer

    stop = threading.Event()

    class Ended(BaseException): ...

    class Stoppable:
        """The client, until the test has seen enough; it fails once."""

        def __init__(self):
            self.failures = [redis.ConnectionError("cut")]

        def brpop(self, names, timeout):
            if self.failures:
                raise self.failures.pop()
            if stop.is_set():
                raise Ended
            return client.brpop(names, timeout=0.05)

    client = RedisMixin().redis_db_frame
    monkeypatch.setattr(beggar_redis_consumer.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(beggar_redis_consumer, "RedisMixin", lambda: type("Mixin", (), {"redis_db_frame": Stoppable()}))

    def add(x, y):
        calls.add(x, y)
        return 1 / (x - 3)  # a failing call ends nothing

    def consume():
        with pytest.raises(Ended):
            beggar_redis_consumer.start_consuming_message("numbers", add, threads_num=3)

    thread = threading.Thread(target=consume)
    thread.start()
    client.lpush("numbers", "{", "[1]", "7", *(json.dumps({"x": n, "y": 2 * n}) for n in range(20)))
    assert sorted(calls.wait(20)) == [(n, 2 * n) for n in range(20)]
    stop.set()
    thread.join(WAIT)
    assert not thread.is_alive()
    told = [record.getMessage() for record in caplog.records if record.name == "funboost.beggar"]
    assert len(told) == 4, told


@pytest.mark.server
def test_the_newest_message_is_consumed_first(server, program, calls):
    from funboost.contrib.redis_consume_latest_msg_broker import BROKER_KIND_REDIS_CONSUME_LATEST

    params = BoosterParams(
        queue_name="prices",
        broker_kind=BROKER_KIND_REDIS_CONSUME_LATEST,
        concurrent_mode="single_thread",
        max_retry_times=0,
    )

    @boost(params)
    def show(price):
        calls.add(price)

    show.push(9)
    show.clear()
    assert show.get_message_count() == 0
    for price in range(5):
        show.push(price)
    assert show.get_message_count() == 5
    show.consume()
    assert calls.wait(5) == [(4,), (3,), (2,), (1,), (0,)]
