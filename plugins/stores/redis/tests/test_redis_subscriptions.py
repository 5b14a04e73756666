"""Replies for thousands over one connection: few connections, none lost when it breaks, none when channels are forbidden."""

from __future__ import annotations

import pytest
from funboost_store_redis import replies as replies_module
from funboost_store_redis import subscriptions
from funboost_testing.calls import Call
from funboost_testing.stores.replies import Heard

from funboost_core.native import sleep

pytestmark = pytest.mark.server


def until(condition):
    for _ in range(8000):
        if condition():
            return
        sleep(0.005)  # the server announces nothing
    raise AssertionError("it did not come true in time")


def channels(server):
    return len(server.ask("PUBSUB", "CHANNELS", "*many*"))


def test_many_threads_and_subscribers_share_a_handful_of_connections(make_state, server):
    state, heard = make_state(), Heard()
    before = int(server.ask("INFO", "clients").split(b"connected_clients:")[1].split()[0])
    calls = [Call(state.replies.get, f"many{number}", 60) for number in range(100)]
    state.replies.subscribe([f"many{number}" for number in range(100, 1000)], heard.tell)
    until(lambda: channels(server) == 1000 - replies_module.BLOCKING)
    now = int(server.ask("INFO", "clients").split(b"connected_clients:")[1].split()[0])
    assert now - before <= replies_module.BLOCKING + 3
    for number in range(1000):
        state.replies.put(f"many{number}", b"%d" % number, 60)
    assert [call.result() for call in calls] == [b"%d" % number for number in range(100)]
    assert len(heard.until(900)) == 900
    until(lambda: channels(server) == 0)  # nothing is listened to any more


def test_nothing_is_lost_when_the_connection_breaks(make_state, server, monkeypatch):
    monkeypatch.setattr(subscriptions, "PAUSE", 0.01)
    state, heard = make_state(), Heard()
    state.replies.subscribe(["many1", "many2"], heard.tell)
    until(lambda: channels(server) == 2)
    server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    state.replies.put("many1", b"1", 60)
    assert heard.until(1) == [("many1", b"1")]
    until(lambda: channels(server) == 1)
    state.replies.put("many2", b"2", 60)
    assert heard.until(2)[1] == ("many2", b"2")


def test_what_was_put_by_others_without_a_message_is_found(make_state, server, monkeypatch):
    monkeypatch.setattr(subscriptions, "SLICE", 0.05)
    state, heard = make_state(), Heard()
    state.replies.subscribe(["many"], heard.tell)
    until(lambda: channels(server) == 1)
    server.ask("RPUSH", state.replies._keys.plain("many"), "1")
    assert heard.until(1) == [("many", b"1")]


def test_a_user_who_may_not_use_channels_gets_replies_all_the_same(make_state, server, redis_place, monkeypatch):
    monkeypatch.setattr(subscriptions, "PAUSE", 0.02)
    server.ask("ACL", "SETUSER", "silent", "on", ">secret", "~*", "+@all", "resetchannels")
    try:
        state = make_state(redis_place.url.replace("redis://", "redis://silent:secret@"))
        heard = Heard()
        state.replies.subscribe(["many"], heard.tell)
        state.replies.put("many", b"1", 60)
        assert heard.until(1) == [("many", b"1")]
        state.close()
    finally:
        server.ask("ACL", "DELUSER", "silent")


def test_the_thread_ends_with_the_store(make_state):
    state = make_state()
    state.replies.subscribe(["many"], Heard().tell)
    thread = state.replies._subscriptions._thread
    state.close()
    thread.join(30)
    assert not thread.is_alive()
