"""Messages are told apart by numbers of 16 bits, which are given anew."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from funboost_broker_mqtt import inbox, link
from funboost_broker_mqtt.address import Address
from funboost_broker_mqtt.inbox import Inbox
from funboost_broker_mqtt.link import Link
from funboost_testing.calls import Call
from mqtt_suite import settings_of
from push_stories import PATIENCE


class Taken(list):
    """A sink with room for all."""

    def put(self, delivery):
        self.append(delivery.body)
        return True

    def credit(self):
        return 1


def message(number, body, dup=False):
    return SimpleNamespace(mid=number, payload=body, qos=1, dup=dup, properties=None)


def test_what_is_sent_again_because_its_acknowledgement_was_cut_off_is_acknowledged_and_not_doubled():
    box, taken = Inbox(), Taken()
    assert box.receive(message(1, b"a"), taken) == 1
    assert box.receive(message(1, b"a", dup=True), taken) == 1
    assert taken == [b"a"]


def test_another_message_with_a_number_that_was_used_before_is_not_taken_for_the_old_one():
    """It was cut off when it came for the first time, so that it comes as a duplicate of what nobody has seen."""
    box, taken = Inbox(), Taken()
    assert box.receive(message(1, b"a"), taken) == 1
    assert box.receive(message(1, b"b", dup=True), taken) == 1
    assert taken == [b"a", b"b"]


def test_a_number_is_forgotten_before_the_server_comes_round_to_it(monkeypatch):
    monkeypatch.setattr(inbox, "REMEMBERED", 3)
    box, taken = Inbox(), Taken()
    for number in (1, 2, 3, 4):
        assert box.receive(message(number, b"same"), taken) == number
    assert box.receive(message(1, b"same", dup=True), taken) == 1
    assert len(taken) == 5


@pytest.mark.server
def test_no_more_is_on_the_way_than_there_are_numbers(start_mosquitto, monkeypatch):
    """Else the client would forget messages that it has not sent yet."""
    monkeypatch.setattr(link, "UNCONFIRMED", 3)
    server, sent = start_mosquitto(), []
    connection = Link(Address(lambda name, default=None: settings_of(server.url).get(name, default)), "test")
    publish = connection._client.publish
    monkeypatch.setattr(
        connection._client, "publish", lambda *args, **more: (sent.append(args), publish(*args, **more))[1]
    )
    server.freeze()
    one = Call(connection.publish, "t", [b"1", b"2"], PATIENCE)
    end = time.monotonic() + PATIENCE
    while len(sent) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    two = Call(connection.publish, "t", [b"3", b"4"], PATIENCE)
    assert two.running(0.2)
    assert len(sent) == 2
    server.thaw()
    assert one.result() == [b"1", b"2"], "nobody listens"
    assert two.result() == [b"3", b"4"]
    connection.close()
