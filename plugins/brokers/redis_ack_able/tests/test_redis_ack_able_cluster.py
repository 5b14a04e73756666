"""On a cluster: what is where, what is refused, how a message gets to a queue on another node, and slots that move."""

from __future__ import annotations

import pytest
from funboost_store_redis.address import Address
from funboost_store_redis.finders import slot_of
from funboost_store_redis.link import Link
from funboost_testing.services.redis_groups import SLOTS, ask
from redis_helpers import bodies, put

from funboost_core.errors import ConfigError
from funboost_core.ports.broker import Outgoing

pytestmark = [pytest.mark.server, pytest.mark.lasting]


@pytest.fixture
def redis_place(redis_cluster_place):
    """The brokers of `make` are on the cluster."""
    return redis_cluster_place


def node_of(cluster, key):
    """The server that has a key at the beginning."""
    return cluster.servers[slot_of(key) * len(cluster.servers) // SLOTS]


def held_by(server, pattern):
    link = Link(Address(server.url, "x"))
    found = sorted(key.decode() for key in link.ask("KEYS", pattern))
    link.drop()
    return found


def test_a_queue_is_on_one_node(make, redis_cluster, redis_place):
    queues = [f"q{number}" for number in range(9)]
    nodes = set()
    for queue in queues:
        broker = make(queue)
        put(broker, b"1", b"2")
        put(broker, b"3", due=4e9)
        assert bodies(broker.fetch(1, 1)) == [b"1"]
        name = f"{redis_place.namespace}.{queue}"
        nodes.add(node_of(redis_cluster, name))
        found = held_by(node_of(redis_cluster, name), f"*{name}*")
        assert found == sorted(
            [name, f"{{{name}}}:delayed", f"{{{name}}}:owners", f"{{{name}}}:held:{broker._claims.id}"]
        )
    assert len(nodes) == 3


def test_to_a_queue_on_another_node(make, redis_cluster, redis_place):
    names = [f"{redis_place.namespace}.{queue}" for queue in ("q", *(f"q{number}" for number in range(9)))]
    target = next(name for name in names if node_of(redis_cluster, name) is not node_of(redis_cluster, names[0]))
    broker, other = make("q"), make(target.partition(".")[2])
    put(broker, b"1", b"2")
    first, second = broker.fetch(2, 1)
    broker.forward(first, Outgoing(b"1", attempts=4), target)
    broker.forward(first, Outgoing(b"1"), target)
    assert broker.requeue([first]) is None
    (moved,) = other.fetch(10, 1)
    assert (moved.body, moved.attempts) == (b"1", 5)
    broker.requeue([second])
    assert bodies(broker.fetch(10, 1)) == [b"2"]
    broker.ack([second])


def test_what_cannot_work_is_refused(make, redis_cluster, redis_place, start_redis):
    with pytest.raises(ConfigError, match=r"confirmed=False, and its server is a Redis Cluster"):
        make(confirmed=False)
    wrong = next(server for server in redis_cluster.servers if server is not node_of(redis_cluster, "q"))
    link = Link(Address(wrong.url, "REDIS_URL"))
    with pytest.raises(ConfigError, match=r"Write redis\+cluster://host:port,host:port into"):
        link.ask("RPUSH", "q", "1")
    link.drop()
    with pytest.raises(ConfigError, match="is no cluster. Write redis://host:port/db into"):
        make("q2", url=start_redis().url.replace("redis:", "redis+cluster:"))


def test_a_slot_moves_while_messages_are_in_it(make, redis_cluster, redis_place):
    broker = make("moving")
    name = f"{redis_place.namespace}.moving"
    put(broker, *(b"%d" % number for number in range(20)))
    kept = list(broker.fetch(5, 1))
    slot, source = slot_of(name), node_of(redis_cluster, name)
    target = next(server for server in redis_cluster.servers if server is not source)
    move(slot, source, target)
    try:
        seen = work_off_patiently(broker, kept)
        assert sorted(seen, key=int) == [b"%d" % number for number in range(5, 20)]
        put(broker, b"x")
        assert bodies(broker.fetch(1, 1)) == [b"x"]
        assert held_by(source, f"*{name}*") == []
        broker.close()
    finally:
        move(slot, target, source)


def move(slot, source, target):
    """What ``redis-cli --cluster reshard`` does."""
    ids = {server: ask(server, "CLUSTER MYID").split()[-1] for server in (source, target)}
    ask(target, f"CLUSTER SETSLOT {slot} IMPORTING {ids[source]}", "+OK")
    ask(source, f"CLUSTER SETSLOT {slot} MIGRATING {ids[target]}", "+OK")
    link = Link(Address(source.url, "x"))
    while names := link.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
        link.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *names)
    link.drop()
    for server in (target, source):
        ask(server, f"CLUSTER SETSLOT {slot} NODE {ids[target]}", "+OK")


def work_off_patiently(broker, kept):
    """Acknowledge what is kept and all that comes, through the errors of a slot that has moved; what came."""
    from funboost_core.errors import BrokerUnavailable

    seen, empty = [], 0
    while empty < 3:
        try:
            got = broker.turn(kept, 7) or broker.fetch(7, 0.2)
        except BrokerUnavailable:
            continue
        empty = 0 if got else empty + 1
        seen += bodies(got)
        kept = list(got)
    return seen
