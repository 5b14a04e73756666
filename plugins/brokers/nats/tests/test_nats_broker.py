"""What is special to NATS: nobody who listens, room, groups, subjects, other programs."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time

import pytest
from funboost_broker_nats.errors import NobodyListens
from funboost_broker_nats.sending import Sender
from nats.aio.client import Client
from push_stories import PATIENCE, Seen, listening, task_of, until_nobody_listens

from funboost_core import BrokerError, ConfigError

pytestmark = pytest.mark.server


def test_publishing_to_nobody_is_an_error_and_not_a_loss(make):
    task = task_of(make(), print, options={"publish_timeout": 0.3})
    told = until_nobody_listens(lambda: task.push_many([{"x": n} for n in range(3)]), NobodyListens)
    assert re.search(r"3 of 3 messages .* no consumer .* within 0\.3 s.*Start a consumer first", str(told))


def test_messages_stay_in_order_while_one_begins_to_listen(make):
    environment, seen = make(), Seen()
    options = {"receive_ahead": 50_000}  # one subscription for all: what finds none comes later
    task = task_of(environment, seen, options=options, concurrent_num=1)
    sending = threading.Thread(target=task.push_many, args=([{"x": n} for n in range(2000)],))
    sending.start()
    time.sleep(0.1)
    task.consume()
    seen.wait_for(2000)
    sending.join(PATIENCE)
    assert seen == list(range(2000))


def test_messages_stay_in_order_while_a_subscription_takes_the_place_of_another(make, monkeypatch):
    """The server sends to both of them until it has heard of all that is said, for which a busy one may take its time."""
    unsubscribe, send, overlaps, again = Client._send_unsubscribe, Sender.send, [], set()

    async def late(client, sid, limit=0):
        if not limit:
            overlaps.append(sid)
            await client.flush()
            await asyncio.sleep(0.003)
        await unsubscribe(client, sid, limit)

    def sent(sender, bodies):
        """The server may still find nobody for one that it is looking at while the subscriptions change."""
        unheard = send(sender, bodies)
        again.update(json.loads(body)["x"] for body in unheard)
        return unheard

    monkeypatch.setattr(Client, "_send_unsubscribe", late)
    monkeypatch.setattr(Sender, "send", sent)
    seen = Seen()
    task = task_of(make(), seen, options={"receive_ahead": 50_000}, concurrent_num=1)
    listening(task)
    task_of(make(), print).push_many([{"x": n} for n in range(40_000)])
    seen.wait_for(40_001)
    assert overlaps
    assert sorted(seen) == list(range(-1, 40_000))
    assert [x for x in seen if x not in again] == [x for x in range(-1, 40_000) if x not in again]
    assert len(again) < 1000, "what waits for a subscription may change places, and hardly anything does"


def test_who_has_no_room_is_not_in_the_group(make):
    """The others of the group get what it would have got; when none of them has room, the publisher is told."""
    options, busy, free = {"receive_ahead": 10, "publish_timeout": 4.0}, Seen(), Seen()
    busy.may.clear()
    first = task_of(make(), busy, options=options, concurrent_num=1)
    listening(first)
    busy.wait_for(1)
    with pytest.raises(NobodyListens) as told:
        first.push_many([{"x": n} for n in range(200)])
    accepted = 200 - told.value.details["unheard"]
    assert 10 <= accepted < 50, "what it may receive ahead, and hardly more"
    second = task_of(make(), free, options=options)
    second.consume()
    task_of(make(), print).push_many([{"x": n} for n in range(200, 300)])
    free.wait_for(100)
    assert sorted(free) == list(range(200, 300))
    busy.may.set()
    busy.wait_for(1 + accepted)
    assert len(set(busy)) == len(busy) == 1 + accepted  # not always the first: room may come in the midst of a batch
    assert set(busy) <= set(range(-1, 200))


def test_a_flood_loses_and_doubles_nothing(make):
    """Far more than there is room for, from several threads, to two consumers whose subscriptions are renewed all the time."""
    seen, options = Seen(), {"receive_ahead": 20}
    for _ in range(2):
        listening(task_of(make(), seen, options=options, concurrent_num=3))
    sender, pushed = task_of(make(), print), []

    def push(n):
        sender.push_many([{"x": 300 * n + i} for i in range(300)])
        pushed.append(n)

    threads = [threading.Thread(target=push, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(pushed) == 4
    seen.wait_for(1202)
    assert sorted(seen) == [-1, -1, *range(1200)]


def test_each_group_gets_every_message(make):
    one, two = Seen(), Seen()
    listening(task_of(make(), one))
    task = task_of(make(), two, options={"queue_group": "others"})
    task.consume()
    end = time.monotonic() + PATIENCE
    while not two and time.monotonic() < end:  # the first group hears at once; the second when it has subscribed
        task.push(-1)
        time.sleep(0.02)
    task.push(5)
    while not (5 in one and 5 in two) and time.monotonic() < end:
        time.sleep(0.01)
    assert (one.count(5), two.count(5)) == (1, 1)


@pytest.mark.parametrize("name", ["a b", "a.*", "a.>", ".a", "a..b", "a.", "$SYS.a"])
def test_a_queue_name_that_is_no_subject_is_refused(make, name):
    with pytest.raises(ConfigError, match=r"queue_name=.* is no subject of NATS\. Leave out"):
        task_of(make(NAMESPACE=""), print, queue=name).push(1)


def test_plain_json_of_other_programs_runs(make, foreign, nats_place):
    seen = Seen()
    listening(task_of(make(), seen))
    foreign.send(f"{nats_place.namespace}.q", '{"x": 7}')
    seen.wait_for(2)
    assert sorted(seen) == [-1, 7]


def test_what_is_pushed_is_plain_json(make, foreign, nats_place):
    foreign.listen(f"{nats_place.namespace}.q")
    task_of(make(), print).push(8)
    assert json.loads(foreign.hear())["x"] == 8


def test_a_message_that_is_too_large_is_told_and_the_others_go(make):
    seen = Seen()
    task = task_of(make(), lambda x: seen(len(str(x))))
    listening(task)
    with pytest.raises(
        BrokerError, match=r"message of \d+ bytes is larger than the NATS server takes \(1048576\).*max_payload"
    ):
        task.push("x" * 1_100_000)
    task.push("xyz")
    seen.wait_for(2)
    assert sorted(seen) == [2, 3]
