"""Where the server is, and what is said when it cannot be used."""

from __future__ import annotations

import socket
import time
import traceback

import pytest
from funboost_store_redis.address import Address, url_of
from funboost_store_redis.brokers.at_once import AtOnce
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.link import Link
from funboost_store_redis.master import LOOK
from funboost_store_redis.server import Server, attach, detach
from funboost_testing.services.redis_groups import Watched, ask

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


@pytest.mark.parametrize("connection", ["or ders", "redis:/h:1", "orders-2"])
def test_what_is_neither_a_name_nor_a_url_is_refused(connection):
    with pytest.raises(ConfigError, match=f"connection='{connection}' is neither a URL nor a name"):
        url_of(Settings({}), connection)


def test_a_mistyped_url_is_refused_without_its_password():
    with pytest.raises(ConfigError, match="is neither a URL nor a name") as caught:
        url_of(Settings({}), f"redis:/u:{QUOTED}@h")
    assert QUOTED not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "redis+cluster://h:1/3",
        "redis+cluster://",
        "redis+other://h:1/x",
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
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # nobody answers there, and nobody else gets the port
        url = f"redis://user:{QUOTED}@127.0.0.1:{nobody.getsockname()[1]}/1"
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
def test_sentinel_names_the_master_and_the_next_one(start_redis):
    start_redis()  # skips where none is installed
    with Watched() as watched:
        server = attach(f"{watched.url}/3", "REDIS_URL", watched)
        assert server.ask("SET", "k", "v") == b"OK"
        ask(watched.master, "SET k v\r\nWAIT 1 5000", ":1")
        watched.fail_over()
        until(lambda: server.ask("SET", "k2", "v2") == b"OK")
        assert server.ask("GET", "k") == b"v"
        assert Server(Address(f"{watched.replica.url}/3", "x")).ask("GET", "k2") == b"v2"
        detach(server, watched)


@pytest.mark.server
def test_a_master_that_has_stepped_down_is_left_while_it_still_takes_writes(start_redis, monkeypatch):
    monkeypatch.setattr("funboost_store_redis.finders.QUICK", 30.0)  # without an answer it would be asked much later
    start_redis()
    with Watched() as watched:
        server = attach(watched.url, "REDIS_URL", watched)
        silent = AtOnce(server)
        silent.send([("RPUSH", "q", "before")], 1)
        assert server.ask("INCR", "before") == 1
        ask(watched.master, "SET k v\r\nWAIT 1 5000", ":1")
        ask(watched.master, "ACL SETUSER default -replicaof -slaveof", "+OK")  # Sentinel would tell it to in a while
        ask(watched.sentinel, "SENTINEL FAILOVER mymaster", "+OK")
        ask(watched.sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster", str(watched.replica.port))
        ask(watched.replica, "INFO replication", "role:master")
        time.sleep(LOOK + 0.1)
        assert b"role:master" in Link(Address(watched.master.url, "x")).ask("INFO", "replication"), "it takes writes"
        until(lambda: server.ask("INCR", "after"))
        silent.send([("RPUSH", "q", "after")], 1)
        silent.close()
        new = Server(Address(watched.replica.url, "x"))
        assert new.ask("EXISTS", "after") == 1
        assert new.ask("LRANGE", "q", 0, -1) == [b"before", b"after"]
        detach(server, watched)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except BrokerUnavailable:
            pass
        assert time.monotonic() < end
        time.sleep(0.05)
