"""Connections: shared, looked at after a rest, not taken along by a fork; and what the state leaves in Redis."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.link import Link, Script
from funboost_store_redis.server import MOST_IDLE, REST, attach, detach
from funboost_store_redis.store import RedisState
from funboost_testing.calls import Call
from funboost_testing.services import Proxy
from redis_helpers import answer, until

from funboost_core.environment import Environment
from funboost_core.errors import ConfigError
from funboost_core.ports.store import Parked, Record

pytestmark = pytest.mark.server
ECHO = Script("return ARGV[1]")


def test_users_of_one_url_share_connections(redis_place):
    one, two = object(), object()
    first, second = attach(redis_place.url, "X", one), attach(redis_place.url, "X", two)
    assert first is second
    number = first.ask("CLIENT", "ID")
    assert second.ask("CLIENT", "ID") == number
    detach(first, one)
    assert second.ask("CLIENT", "ID") == number
    detach(second, two)
    third = attach(redis_place.url, "X", one)
    assert third is not first
    detach(third, one)


def test_many_threads_have_a_connection_each_and_few_are_kept(server):
    barrier = threading.Barrier(MOST_IDLE + 8)

    def use():
        with server.link() as link:
            barrier.wait(20)
            return link.ask("CLIENT", "ID")

    calls = [Call(use) for _ in range(MOST_IDLE + 8)]
    assert len({call.result() for call in calls}) == MOST_IDLE + 8
    assert len(server._links) == MOST_IDLE


def test_scripts_survive_a_server_that_forgot_them(server):
    assert server.run(ECHO, [], ["a"]) == b"a"
    server.ask("SCRIPT", "FLUSH")
    assert server.run(ECHO, [], ["b"]) == b"b"


def test_a_connection_that_was_closed_while_it_rested_is_replaced(server):
    first = server.ask("CLIENT", "ID")
    other = Link(server.address)
    other.ask("CLIENT", "KILL", "ID", first)
    other.drop()
    time.sleep(REST + 0.1)
    assert server.ask("CLIENT", "ID") != first


def test_an_error_in_the_middle_is_told_after_all_answers(server):
    server.ask("SET", "k", "v")
    with pytest.raises(ConfigError):
        server.ask_all([("GET", "k"), ("RPUSH", "k", "x"), ("GET", "k")])
    assert server.ask_all([("GET", "k"), ("ECHO", "x")]) == [b"v", b"x"]


def test_an_answer_that_does_not_come_ends_the_connection(redis_place):
    user = object()
    server = attach(f"{redis_place.url}?socket_timeout=0.2", "X", user)
    with pytest.raises(RedisUnavailable):
        server.ask("BLPOP", "nothing", 0)
    assert answer(lambda: server.ask("ECHO", "x")) == b"x", "the late answer is not taken for another's"
    detach(server, user)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_keeps_nothing_of_its_parents_connections_alive(redis_place, server):
    held = server.open()
    number = held.ask("CLIENT", "ID")
    ready, release = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.write(ready[1], b"x")
        os.read(release[0], 1)
        os._exit(0)
    try:
        os.read(ready[0], 1)
        assert held.ask("CLIENT", "ID") == number, "the child has not shut the parent's connection"
        held._connection._sock.close()  # what the kernel does for a parent that is killed
        other = Link(server.address)
        until(lambda: not other.ask("CLIENT", "LIST", "ID", number).strip())
        other.drop()
    finally:
        os.write(release[1], b"x")
        os.waitpid(child, 0)


# -- the state --------------------------------------------------------------------------------------------------------


def test_replies_are_lists_under_the_tasks_id_and_keep_their_ttl(make_state, server, redis_place):
    state = make_state()
    waiting = Call(state.replies.get, "q_result:1", 20)
    time.sleep(0.2)
    state.replies.put("q_result:1", b"{}", 1000)
    assert waiting.result() == b"{}"
    assert state.replies.get("q_result:1", 1) == b"{}"
    key = f"{redis_place.namespace}.q_result:1" if redis_place.namespace else "q_result:1"
    assert server.ask("LRANGE", key, 0, -1) == [b"{}"]
    assert 900_000 < server.ask("PTTL", key) <= 1_000_000


def test_waiting_for_a_reply_outlives_the_server(start_redis):
    own = start_redis("--appendonly", "yes")
    state = RedisState(own.url, Environment({}))
    waiting = Call(state.replies.get, "t", 30)
    time.sleep(0.2)
    own.restart()
    other = RedisState(own.url, Environment({}))
    other.replies.put("t", b"1", 60)
    assert waiting.result() == b"1"
    other.close()
    state.close()


def test_closing_ends_the_waiting(make_state):
    state = make_state()
    waiting = Call(state.replies.get, "t", 600)
    time.sleep(0.1)
    state.close()
    try:
        assert waiting.result() is None
    except RedisUnavailable:
        pass  # its connection was closed


def test_the_documented_pause_keys(make_state, server, redis_place):
    state = make_state()
    prefix = f"{redis_place.namespace}." if redis_place.namespace else ""
    key, everything = f"{prefix}funboost_pause_flag:q", f"{prefix}funboost_pause_flag"
    state.coordinator.set_flag("q", "paused", "1")
    assert server.ask("GET", key) == server.ask("HGET", everything, "q") == b"1"
    assert state.coordinator.flags("q") == {"paused": "1"}
    state.coordinator.set_flag("q", "paused", "0")
    assert server.ask("GET", key) == server.ask("HGET", everything, "q") == b"0"
    assert state.coordinator.flags("q") == {"paused": "0"}
    for command in (("SET", key, "1"), ("HSET", everything, "q", "1")):
        server.ask("DEL", key, everything)
        server.ask(*command)
        assert state.coordinator.flags("q") == {"paused": "1"}, "a program in another language has paused it"
    state.coordinator.set_flag("q", "paused", None)
    assert state.coordinator.flags("q") == {}


def test_what_ends_leaves_no_key(make_state, server):
    state = make_state()
    state.replies.put("t", b"1", 0.2)
    state.history.save([Record.of({"_id": "t", "queue_name": "q", "time_start": 1.0})], 0.2)
    state.filter.claim("s", "k", "t", 0.2)
    state.filter.claim("s2", "k", "t", 0.2)
    state.filter.keep("s2", "k", 0.2)
    message = Parked("a", "q", b"x", 0.0)
    state.parking.park([message])
    state.parking.done(state.parking.claim("q", 1, 10))
    state.coordinator.beat("q", "m", {}, 0.2)
    state.coordinator.leave("q", "m")
    state.coordinator.beat("q", "killed", {}, 0.2)
    state.coordinator.set_flag("q", "for a time", "1", 0.2)
    state.coordinator.set_flag("q", "f", "1")
    state.coordinator.set_flag("q", "f", None)
    state.coordinator.add("q", {"a": 1})
    state.coordinator.add("q", {"a": -1})
    state.coordinator.reserve("q", 0.1, 1, 1)
    until(lambda: server.ask("KEYS", "*") == [])


def test_a_filter_that_is_kept_for_ever_loses_its_ttl_and_no_other(make_state, server):
    state = make_state()
    state.filter.claim("s", "k", "t", 100)
    state.filter.keep("s", "k", None)
    state.filter.claim("s2", "k", "t", 1000)
    ttl = {key.decode().rpartition(":")[2]: server.ask("TTL", key) for key in server.ask("KEYS", "*")}
    assert ttl["{s}"] == -1
    assert 900 < ttl["{s2}"] <= 1001


def test_the_namespace_is_in_front_of_everything(server, redis_place):
    state = RedisState(redis_place.url, Environment({"NAMESPACE": "stage"}))
    state.replies.put("t", b"1", 10)
    state.coordinator.set_flag("q", "paused", "1")
    state.parking.park([Parked("a", "q", b"x", 0.0)])
    state.filter.claim("s", "k", "t", 10)
    state.close()
    assert {key.partition(b".")[0] for key in server.ask("KEYS", "*")} == {b"stage"}


def test_an_empty_url_is_the_brokers_server(redis_place):
    state = RedisState("redis://", Environment({"REDIS_URL": redis_place.url, "NAMESPACE": redis_place.namespace}))
    assert state._server.address.url == redis_place.url
    state.close()


def test_a_server_that_is_away_may_come_and_a_wrong_password_may_not(start_redis):
    own = start_redis("--requirepass", "right")
    with pytest.raises(ConfigError, match="refuses the user name or the password"):
        RedisState(own.url.replace("://", "://:wrong@"), Environment({}))
    own.stop()
    state = RedisState(own.url.replace("://", "://:right@"), Environment({}))
    with pytest.raises(RedisUnavailable):
        state.replies.put("t", b"1", 10)
    own.start()
    state.replies.put("t", b"1", 60)
    assert state.replies.get("t", 0) == b"1"
    state.close()


def test_each_command_can_be_cut(make_state, redis_place):
    """An error, and then it works again: nothing is stuck or mixed up."""
    with Proxy(redis_place.url) as proxy:
        state, look = make_state(proxy.url), make_state()
        for after in (False, True):
            for n in range(20):
                proxy.cut_after(1, after)
                with pytest.raises(RedisUnavailable):
                    state.coordinator.add("q", {f"n{after}{n}": 1})
                if after:  # the server hears of it, but maybe not before we hear that the connection has ended
                    until(lambda n=n: look.coordinator.add("q", {f"nTrue{n}": 0}) == {f"nTrue{n}": 1})
                assert state.coordinator.add("q", {f"n{after}{n}": 1})[f"n{after}{n}"] == (2 if after else 1)


@pytest.mark.skipif(sys.platform == "win32", reason="freezes by a signal")
def test_a_server_that_hangs_is_an_error_after_the_timeout(start_redis):
    own = start_redis()
    state = RedisState(f"{own.url}/1?socket_timeout=0.3", Environment({}))
    own.freeze()
    with pytest.raises(RedisUnavailable):
        state.replies.put("t", b"1", 10)
    own.thaw()
    answer(lambda: state.replies.put("t", b"1", 10))
    state.close()
