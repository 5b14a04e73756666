"""What the tests of the Redis brokers share."""

from __future__ import annotations

import time
from contextlib import contextmanager

from funboost_testing.calls import Call
from funboost_testing.services import Proxy

from funboost_core import BoosterParams, Environment
from funboost_core.errors import BrokerUnavailable
from funboost_core.ports.broker import Outgoing
from funboost_core.task import Task


def put(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def keys(broker):
    return sorted(broker._server.ask("KEYS", "*"))


def die(broker):
    """What the kernel does for a process that is killed: its connections end, and nothing is tidied up."""
    broker._watch.close()
    broker._watch = broker._claims = None


def until(condition, seconds=45):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def answer(ask):
    """What is answered at last, where a busy server may take longer than it has."""
    said = []

    def try_it():
        try:
            said.append(ask())
        except BrokerUnavailable:
            return False
        return True

    until(try_it)
    return said[0]


def waiting(broker, function, *args):
    """A call that has begun to wait at the server: what it is to be woken by finds it asleep."""
    call = Call(function, *args)
    until(lambda: b"blocked_clients:0" not in broker._server.ask("INFO", "clients"))
    return call


def long_waits(monkeypatch, module="funboost_store_redis.brokers.lists"):
    """A wait lasts as long as it is asked to, not a second: who returns earlier was woken, or knew when to."""
    monkeypatch.setattr(f"{module}.SOON", 1000.0)


def work_off(broker):
    """Fetch and acknowledge in whatever way, through all errors, until nothing comes; how often each body came."""
    seen, kept, empty = {}, [], 0
    while empty < 3:
        try:
            got = broker.turn(kept, 7) or broker.fetch(7, 0.05)
        except BrokerUnavailable:
            continue
        empty = 0 if got else empty + 1
        for delivery in got:
            seen[delivery.body] = seen.get(delivery.body, 0) + 1
        kept = list(got)
    return seen


@contextmanager
def brokers(kind, place):
    """``make(queue="q", listen=True, **options)`` opens brokers of a kind in the place of a test; they are closed."""
    made = []

    def make(queue="q", listen=True, **options):
        environment = Environment({"REDIS_URL": place.url, "NAMESPACE": place.namespace, "BEAT_SECONDS": 0.2})
        params = BoosterParams(queue_name=queue, broker_kind=kind, broker_exclusive_config=options)
        made.append(Task(params, None, environment).make_broker())
        if listen:
            made[-1].listen()
        return made[-1]

    try:
        yield make
    finally:
        for broker in made:
            broker.close()


def cut_at_every_command(make, redis_place, after):
    """Work a queue off while the connection ends at its n-th packet, for each n: every message comes once."""
    n, messages = 0, [b"%d" % number for number in range(30)]
    with Proxy(redis_place.url) as proxy:
        while True:
            n += 1
            broker = make(f"q{n}", proxy.url)
            put(broker, *messages)
            proxy.cuts = 0
            proxy.cut_after(n, after)
            seen = work_off(broker)
            cut = proxy.cuts
            proxy.cut_after(0)
            assert seen == dict.fromkeys(messages, 1), f"cut at packet {n}"
            broker.close()
            assert make(f"q{n}", listen=False).count() == 0
            if not cut:
                break
    assert n > 10, "it was cut at many commands"
