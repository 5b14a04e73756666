"""Where the server is, and what is said when it cannot be used."""

from __future__ import annotations

import time
import traceback

import pytest
from funboost_store_redis.address import Address, url_of
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.link import Link
from funboost_store_redis.server import Server
from funboost_testing.services.base import free_port

from funboost_core.errors import BrokerUnavailable, ConfigError
from funboost_core.settings import Settings

SECRET = "s3cret@/:"
QUOTED = "s3cret%40%2F%3A"


@pytest.mark.parametrize(
    ("settings", "connection", "expected"),
    [
        ({}, "", ("redis://127.0.0.1:6379/7", "REDIS_URL")),
        ({"REDIS_URL": "redis://h/1", "REDIS_HOST": "x"}, "", ("redis://h/1", "REDIS_URL")),
        (
            {"REDIS_HOST": "h", "REDIS_PORT": "1", "REDIS_PASSWORD": SECRET, "REDIS_DB": 0, "REDIS_SSL": "true"},
            "",
            (f"rediss://:{QUOTED}@h:1/0", "REDIS_URL"),
        ),
        ({"REDIS_USERNAME": "u", "REDIS_PASSWORD": "p"}, "", ("redis://u:p@127.0.0.1:6379/7", "REDIS_URL")),
        ({"REDIS_URL_ORDERS": "redis://o"}, "orders", ("redis://o", "REDIS_URL_ORDERS")),
        ({}, "redis://there/2", ("redis://there/2", "the option connection")),
    ],
)
def test_urls(settings, connection, expected):
    assert url_of(Settings(settings), connection) == expected


def test_a_name_without_a_setting_is_refused():
    with pytest.raises(ConfigError, match="connection='orders' needs the setting REDIS_URL_ORDERS"):
        url_of(Settings({}), "orders")


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "redis://h:port/1",
        "redis+sentinel://h:1",
        "redis+sentinel:///x",
        "redis+sentinel://h:p/x",
        "redis://h?socket_timeout=x",
    ],
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ConfigError, match=r"REDIS_URL is .*Use redis://"):
        Address(url, "REDIS_URL")


def test_options_reach_the_connection():
    query = "socket_timeout=3&health_check_interval=15&socket_connect_timeout=2"
    address = Address(f"redis://h/1?{query}", "REDIS_URL")
    assert address._options["health_check_interval"] == 15
    assert address._options["socket_timeout"] == 3
    assert address._options["socket_connect_timeout"] == 2
    assert address._options["socket_keepalive"] is True


def test_an_option_that_is_none_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"REDIS_URL .*no_such_option"):
        Link(Address("redis://127.0.0.1/1?no_such_option=1", "REDIS_URL"))


def shown(error):
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def test_a_missing_server_is_one_clear_error_without_the_password():
    url = f"redis://user:{QUOTED}@127.0.0.1:{free_port()}/1"
    server = Server(Address(url, "REDIS_URL"))
    with pytest.raises(RedisUnavailable, match=r"cannot be reached .*REDIS_URL points to it") as caught:
        server.ask("PING")
    assert isinstance(caught.value, BrokerUnavailable)
    told = shown(caught.value) + repr(server.address)
    assert SECRET not in told
    assert QUOTED not in told


@pytest.mark.server
@pytest.mark.parametrize("given", ["", f":wrong-{QUOTED}@", f"nobody:{QUOTED}@"])
def test_a_wrong_password_is_one_clear_error_without_it(start_redis, given):
    own = start_redis("--requirepass", "right")
    with pytest.raises(ConfigError, match=r"REDIS_URL: redis://user:password@host:port/db") as caught:
        Server(Address(own.url.replace("://", f"://{given}"), "REDIS_URL")).ask("PING")
    told = shown(caught.value)
    assert SECRET not in told
    assert QUOTED not in told


@pytest.mark.server
def test_user_name_and_password(start_redis):
    own = start_redis("--user", *"anna on >s3cret@/: ~* &* +@all".split(), "--user", "default", "off")
    link = Link(Address(own.url.replace("://", f"://anna:{QUOTED}@"), "REDIS_URL"))
    assert link.ask("ACL", "WHOAMI") == b"anna"
    link.drop()


@pytest.mark.server
def test_other_things_that_waiting_does_not_mend(server, redis_place):
    with pytest.raises(ConfigError, match="no such database"):
        Link(Address(redis_place.url.rpartition("/")[0] + "/99999", "REDIS_URL"))
    with pytest.raises(ConfigError, match=r"too old .*Use Redis 6\.2"):
        server.ask("NOSUCHCOMMAND")
    server.ask("SET", "k", "v")
    with pytest.raises(ConfigError, match="holds something else under this name"):
        server.ask("RPUSH", "k", "v")
    assert server.ask("GET", "k") == b"v", "the connection goes on"


@pytest.mark.server
def test_a_forbidden_command_names_the_rules(start_redis):
    own = start_redis("--user", *"low on nopass ~* &* +@all -get".split())
    with pytest.raises(ConfigError, match=r"does not let this user do that: .*Widen its rules"):
        Server(Address(own.url.replace("://", "://low:x@"), "REDIS_URL")).ask("GET", "k")


@pytest.mark.server
def test_sentinel_names_the_master_and_the_next_one(start_redis, tmp_path):
    master, replica = start_redis(), start_redis()
    to_master = Server(Address(master.url, "REDIS_URL"))
    Server(Address(replica.url, "REDIS_URL")).ask("REPLICAOF", "127.0.0.1", master.port)
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"sentinel monitor mymaster 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds mymaster 300\nsentinel failover-timeout mymaster 2000\n"
    )

    class Sentinel(type(master.service)):
        def command(self, executable, port, folder):
            return [
                executable,
                str(config),
                "--sentinel",
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(folder),
            ]

    with Sentinel().start() as sentinel:
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/mymaster/3"
        server = Server(Address(url, "REDIS_URL"))
        assert server.ask("SET", "k", "v") == b"OK"
        until(lambda: to_master.ask("WAIT", 1, 100) == 1)
        info = Server(Address(sentinel.url, "x"))
        until(lambda: b"slaves=1" in info.ask("INFO", "sentinel"))
        master.kill()
        until(lambda: server.ask("SET", "k2", "v2") == b"OK")
        assert server.ask("GET", "k") == b"v"
        assert Server(Address(f"{replica.url}/3", "x")).ask("GET", "k2") == b"v2"
        server.close()


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except BrokerUnavailable:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)
