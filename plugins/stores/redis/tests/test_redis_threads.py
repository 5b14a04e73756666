"""What threads do to each other's connections, pools and subscriptions."""

from __future__ import annotations

import pytest
from funboost_store_redis import subscriptions
from funboost_store_redis.address import Address
from funboost_store_redis.brokers.at_once import AtOnce
from funboost_store_redis.cluster import Cluster
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.finders import Sentinels
from funboost_store_redis.link import Link
from funboost_store_redis.server import Server
from funboost_testing.calls import Call
from funboost_testing.stores.replies import Heard
from redis_helpers import until

from funboost_core.native import Event, Thread

pytestmark = pytest.mark.server


# -- a connection that another thread closes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda link: link.ask("PING"),
        lambda link: link.ask_all([("PING",), ("PING",)]),
        lambda link: link.tell_all([("PING",)]),
        lambda link: link.hear(0),
    ],
    ids=["ask", "ask_all", "tell_all", "hear"],
)
def test_a_connection_that_was_closed_stays_closed(server, use):
    """The client library would connect again: to nothing subscribed, and answering what is not to be answered."""
    link = server.open()
    server.forget(link)
    with pytest.raises(RedisUnavailable):
        use(link)
    assert link._connection._sock is None


def test_who_listens_on_a_connection_that_another_thread_closes_is_told_so(server):
    link, reading = server.open(), Event()
    can_read = link._connection.can_read

    def told(seconds):
        reading.set()
        return can_read(seconds)

    link._connection.can_read = told
    hearing = Call(link.hear, 600)
    reading.wait(30)
    server.forget(link)
    with pytest.raises(RedisUnavailable):
        hearing.result()


@pytest.fixture(params=["ask", "tell_all", "hear"])
def stumbling(server, request):
    """Make a call of which the client library raises what is not its own kind of error, after `first` was called."""
    link = server.open()

    def call(first):
        def stumble(*_, **__):
            first(link)
            raise AttributeError("'NoneType' object has no attribute 'sendall'")

        link._read = link._send = stumble
        return {"ask": link.ask, "tell_all": lambda what: link.tell_all([(what,)]), "hear": hear}[request.param]("PING")

    def hear(_):
        link._connection.send_command("PING")
        return link.hear(30)

    yield link, call
    server.forget(link)


def test_what_the_client_library_stumbles_over_when_it_was_closed_is_no_error_of_its_own(stumbling):
    with pytest.raises(RedisUnavailable, match="closed on this side"):
        stumbling[1](Link.drop)


def test_its_own_errors_are_raised_as_they_are(stumbling):
    link, call = stumbling
    with pytest.raises(AttributeError):
        call(lambda link: None)
    assert link.broken


# -- pools ----------------------------------------------------------------------------------------------------------------


class Hasty(list):
    """A pool of which another thread takes something whenever it has been looked at."""

    def __bool__(self):
        some = len(self) > 0
        if some:
            list.pop(self)
        return some


def test_two_threads_empty_the_pool_of_a_master_that_has_stepped_down(server):
    link = server.borrow()
    server._all = Hasty([server.open()])
    link.outdated = True
    server.give_back(link)
    assert not list(server._all)


def test_connections_end_by_themselves_while_all_are_closed(redis_place):
    server = Server(Address(redis_place.url, "X"))  # not attached: it would stay there, closed, for the next one

    class Links(set):
        def __bool__(self):
            some = len(self) > 0
            self.clear()
            return some

    server._links = Links([server.open(), server.open()])
    server.close()
    assert not list(server._links)


def test_silent_connections_are_taken_while_all_are_closed(server):
    silent = AtOnce(server)
    silent._idle = Hasty([(server.open(), 0)])
    silent.close()
    assert not list(silent._idle)


def test_a_node_is_found_while_a_cluster_is_closed():
    cluster = Cluster(Address("redis+cluster://127.0.0.1:1", "X"))

    class Node:
        def __init__(self, name):
            self.name = name

        def close(self):
            cluster._nodes.setdefault(f"another than {self.name}", Node("late"))

    cluster._nodes.update({"a": Node("a"), "b": Node("b")})
    cluster.close()
    assert cluster.closed


def test_who_looks_for_the_master_finds_all_sentinels_also_while_they_are_reordered(monkeypatch):
    sentinels = Sentinels([("127.0.0.1", 1)], "mymaster", {"socket_connect_timeout": 1})
    given = []
    monkeypatch.setattr(sentinels, "_make", lambda hosts, options: given.append(hosts) or real(hosts, options))
    real = Sentinels._make.__get__(sentinels)
    with pytest.raises(Exception, match="mymaster"):
        sentinels.find()
    assert sentinels.look() is None
    assert given[0] == [("127.0.0.1", 1)]
    assert given[0] is not sentinels._hosts, "what somebody goes through does not change"


def test_a_master_is_looked_for_while_all_is_closed(monkeypatch):
    sentinels = Sentinels([("127.0.0.1", 1)], "mymaster", {})

    class Asked:
        sentinels = ()

        def discover_master(self, service):
            return ("127.0.0.1", 6379)

    class Closing(Sentinels):
        def __getattribute__(self, name):
            value = super().__getattribute__(name)
            if name == "_asked" and value is not None:  # between two looks at it
                self._asked = None
            return value

    sentinels.__class__ = Closing
    sentinels._asked = Asked()
    assert sentinels.look() == ("127.0.0.1", 6379)


def test_threads_that_have_connections_of_their_own_leave_none_when_they_end(server, monkeypatch):
    """As in a monkey-patched process."""
    monkeypatch.setattr("funboost_store_redis.server.patched", True)
    for _ in range(5):
        thread = Thread(target=server.ask, args=("PING",))
        thread.start()
        thread.join(60)
    assert server.ask("PING") == b"PONG"
    assert len(server._links) == 1, "that of this thread"


# -- subscriptions --------------------------------------------------------------------------------------------------------


class Given(dict):
    """The names of channels, of which one is given up whenever it has been looked for."""

    def __contains__(self, channel):
        there = super().__contains__(channel)
        self.pop(channel, None)
        return there


def test_a_reply_that_nobody_waits_for_any_more_does_not_end_the_waiting_of_others(make_state):
    state, heard = make_state(), Heard()
    state.replies.subscribe(["first"], heard.tell)
    names = state.replies._subscriptions._names = Given(state.replies._subscriptions._names)
    until(lambda: state.replies._subscriptions._link is not None)
    state.replies.put("first", b"1", 60)
    until(lambda: heard.told or not names)
    state.replies.subscribe(["second"], heard.tell)
    state.replies.put("second", b"2", 60)
    until(lambda: ("second", b"2") in heard.told)


def test_a_thread_that_ends_does_not_take_the_connection_of_the_next(make_state, monkeypatch):
    """One ends because nobody waits; before it has tidied up, somebody waits again."""
    monkeypatch.setattr(subscriptions, "SLICE", 0.01)
    state, heard = make_state(), Heard()
    its = state.replies._subscriptions
    listen, next_one = its._listen, []

    def overtaken(link):
        ended = listen(link)
        if not next_one:
            next_one.append(True)
            state.replies.subscribe(["b"], heard.tell)
            until(lambda: its._link is not None)
        return ended

    monkeypatch.setattr(its, "_listen", overtaken)
    state.replies.subscribe(["a"], heard.tell)
    first = its._thread
    state.replies.unsubscribe(["a"], heard.tell)
    first.join(60)
    assert not first.is_alive()
    assert its._link is not None, "that of the thread which listens"


def test_what_could_not_be_subscribed_to_is_subscribed_to_anew(make_state, server, monkeypatch):
    monkeypatch.setattr(subscriptions, "PAUSE", 0.01)
    monkeypatch.setattr(subscriptions, "SLICE", 600.0)  # nothing is found by looking
    state, heard, cut = make_state(), Heard(), []
    send = subscriptions.Subscriptions._send

    def once(its, command, task_ids):
        if its._link is not None and not cut:
            cut.append(True)
            its._link._connection._sock.close()
        send(its, command, task_ids)

    monkeypatch.setattr(subscriptions.Subscriptions, "_send", once)
    state.replies.subscribe(["many"], heard.tell)
    until(lambda: len(server.ask("PUBSUB", "CHANNELS", "*many*")) == 1)
    assert cut
    state.replies.put("many", b"1", 60)
    assert heard.until(1) == [("many", b"1")]


def test_where_no_thread_could_be_started_one_is_started_later(make_state, monkeypatch):
    state, heard = make_state(), Heard()

    class Refused(Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(subscriptions, "Thread", Refused)
        with pytest.raises(RuntimeError):
            state.replies.subscribe(["many"], heard.tell)
    state.replies.subscribe(["more"], heard.tell)
    state.replies.put("more", b"1", 60)
    assert heard.until(1) == [("more", b"1")]
