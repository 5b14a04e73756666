"""What every RabbitMQ broker goes through, on real servers: subclass `RabbitStories` with the kind."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import subprocess
import sys
import threading
import time
from importlib import import_module

import pytest
from certificates import self_signed
from funboost_rabbitmq import wire as wires
from funboost_rabbitmq.errors import PublishingBlocked
from funboost_testing.calls import Call
from funboost_testing.services import Proxy, find
from funboost_testing.services.base import free_port
from holding import Holding

from funboost_core import BoosterParams, BrokerUnavailable, ConfigError, Environment, Outgoing, boost
from funboost_core.ports.broker import BrokerContext
from funboost_core.records import resolve

PATIENCE = 30.0
CANCEL = bytes([0, 60, 0, 30])  # class and method
PROGRAM = """
import sys
{patch}
import logging, threading, time
from funboost_core import BoosterParams, Environment, boost
logging.basicConfig(level=logging.WARNING)

environment = Environment({{"RABBITMQ_URL": sys.argv[1], "NAMESPACE": sys.argv[2], "STATE_URL": "memory://", "BEAT_SECONDS": 0.2}})

@boost(BoosterParams(queue_name="q", broker_kind=sys.argv[3], concurrent_mode="{mode}", is_using_rpc_mode=True,
                     concurrent_num={threads}, max_retry_times=1, retry_interval=0.05, is_print_detail_exception=False), environment=environment)
{keyword} f(x):
    {sleep}
    if x == 7 and not failed:
        failed.append(x)
        raise ValueError("once")
    return x * 2

failed = []
f.consume()
time.sleep(0.6)  # nothing comes: it looks whether the connection stands
results = [f.push(x) for x in range(60)]
assert [r.result for r in results] == [x * 2 for x in range(60)], "results"
f.pause_consume()
f.continue_consume()
assert f.push(100).result == 200
assert failed
assert environment.worker.stop()
assert f.get_message_count() == 0
environment.close()
print("done")
"""

MODES = {
    "threading": ("threading", "", "time.sleep(0.01)", 8),
    "single_thread": ("single_thread", "", "", 1),
    "asyncio": ("asyncio", "", "await asyncio.sleep(0.01)", 30),
    "gevent": ("gevent", "from gevent import monkey; monkey.patch_all()", "time.sleep(0.01)", 30),
    "eventlet": ("eventlet", "import eventlet; eventlet.monkey_patch()", "time.sleep(0.01)", 30),
}


def put(broker, *bodies, **fields):
    broker.publish([Outgoing(body, **fields) for body in bodies])


def until(attempt):
    """Attempt it again and again while the server cannot do it, as the core does; what it returns at last, if true."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if done := attempt():
                return done
            assert time.monotonic() < end, "it did not happen"
        except BrokerUnavailable:
            if time.monotonic() > end:
                raise
        time.sleep(0.02)


def until_blocked(attempt):
    """The server answers before all of it knows of the alarm, and need not tell us within a time that is short here."""

    def blocked():
        try:
            attempt()
        except PublishingBlocked as told:
            return told

    return str(until(blocked))


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def work_off(broker, *expected):
    """Fetch and acknowledge through all errors until these bodies were seen; how often each came, and others."""
    seen = {}

    def work():
        got = broker.fetch(10, 0.2)
        for delivery in got:
            seen[delivery.body] = seen.get(delivery.body, 0) + 1
        broker.ack(got)
        return seen.keys() >= set(expected)

    until(work)
    return seen


class RabbitStories:
    kind = ""

    @pytest.fixture
    def program(self, rabbitmq_place, tmp_path):
        made = []

        def make(url=rabbitmq_place.url, **settings):
            given = {"RABBITMQ_URL": url, "NAMESPACE": rabbitmq_place.namespace, "STATE_URL": "memory://"}
            given.update(CONCURRENT_MODE="threading", BEAT_SECONDS=0.2, DATA_DIR=str(tmp_path), **settings)
            made.append(Environment(given))
            return made[-1]

        yield make
        for environment in made:
            environment.close()

    @pytest.fixture
    def make(self, program):
        made = []

        def make(queue="q", url=None, **options):
            environment = program(url) if url else program()
            spec = environment.catalog.find("brokers", self.kind)
            context = BrokerContext(
                self.kind,
                environment.namespaced(queue),
                resolve(spec.options)(**options),
                environment,
                logging.getLogger("t"),
            )
            made.append(resolve(spec.factory)(context))
            made[-1].open()
            return made[-1]

        yield make
        for broker in made:
            broker.close()

    def task(self, environment, function, **params):
        given = BoosterParams(queue_name="q", broker_kind=self.kind, **params)
        return boost(given, environment=environment)(function)

    def be_patient_for(self, seconds, environment, monkeypatch, limit="CONNECT"):
        """So long a question may go unanswered."""
        client = import_module(resolve(environment.catalog.find("brokers", self.kind).factory).__module__[:-6] + "wire")
        for module in (wires, client):
            monkeypatch.setattr(module, limit, seconds, raising=False)

    # -- what cannot work is told at once ---------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (("guest:guest@", "guest:s3cret@"), "refuses the user name or the password"),
            (("", "/nowhere"), "has no virtual host 'nowhere'"),
        ],
    )
    def test_settings_that_never_work_are_refused_at_once(self, program, rabbitmq_place, change, told):
        old, new = change
        url = rabbitmq_place.url.replace(old, new) if old else rabbitmq_place.url + new
        its = self.task(program(url), lambda x: None)
        for what in (lambda: its.push(1), its.consume):
            with pytest.raises(ConfigError, match=told) as caught:
                what()
            assert "s3cret" not in str(caught.value)
            assert "RABBITMQ_URL" in str(caught.value)

    @pytest.mark.lasting
    def test_tls(self, make, program, monkeypatch, tmp_path):
        """It carries all sizes of messages; what never works is refused at once."""
        for limit in ("CONNECT", "HANDSHAKE"):
            self.be_patient_for(PATIENCE, program(), monkeypatch, limit)
        file, key = self_signed(tmp_path)
        rabbitmq, port, messages = find("rabbitmq"), free_port(), [b"%d" % number for number in range(200)]
        if not rabbitmq.executable():
            pytest.skip("a server of this test's own is needed, and no rabbitmq-server is installed here")
        listeners = ["-rabbit", "ssl_listeners", f'[{{"127.0.0.1",{port}}}]']
        files = ["-rabbit", "ssl_options", f'[{{certfile,"{file}"}},{{keyfile,"{key}"}}]']
        with rabbitmq.start(*listeners, *files) as server:
            secure = f"amqps://guest:guest@localhost:{port}/"
            broker = make(url=f"{secure}?cafile={file}")
            put(broker, *messages, b"x" * 300_000)
            assert work_off(broker, *messages, b"x" * 300_000) == dict.fromkeys([*messages, b"x" * 300_000], 1)
            with Proxy(secure) as proxy:  # a cut is seen, long before heartbeats are missed
                other = make(url=f"{proxy.url.replace('127.0.0.1', 'localhost')}?cafile={file}")
                assert other.fetch(1, 0) == []
                proxy.cut()
                until(lambda: not other._taking.usable)
            for url, told in (
                (secure, "is not trusted: .*self.signed certificate"),
                (f"{secure}?cafile=/nowhere/ca.pem", "cafile='/nowhere/ca.pem', which cannot be used"),
                (f"amqps://guest:guest@localhost:{server.port}/?cafile={file}", "does not encrypt"),
            ):
                its = self.task(program(url), lambda x: None)
                for what in (lambda its=its: its.push(1), its.consume):
                    with pytest.raises(ConfigError, match=told) as caught:
                        what()
                    assert "RABBITMQ_URL" in str(caught.value)
                    assert "guest:guest" not in str(caught.value)
            broker.close()

    def test_a_missing_server_is_one_clear_error(self, program):
        its = self.task(program("amqp://u:s3cret@127.0.0.1:1"), lambda x: None)
        with pytest.raises(BrokerUnavailable, match=r"cannot be reached .*RABBITMQ_URL points to it") as caught:
            its.push(1)
        assert "s3cret" not in str(caught.value)

    def test_a_server_that_answers_nothing_is_one_clear_error(self, program, monkeypatch):
        """Soon, and nothing of the connection is left."""
        environment = program("amqp://u:s3cret@127.0.0.1:1")
        self.be_patient_for(0.5, environment, monkeypatch)
        with socket.create_server(("127.0.0.1", 0)) as mute:
            environment.settings.values["RABBITMQ_URL"] = f"amqp://u:s3cret@127.0.0.1:{mute.getsockname()[1]}"
            its, begin = self.task(environment, lambda x: None), time.monotonic()
            with pytest.raises(BrokerUnavailable, match=r"not answered within 0.5 s.*RABBITMQ_URL") as caught:
                its.push(1)
            assert "s3cret" not in str(caught.value)
            assert time.monotonic() - begin < 25, "the library's own patience is 30 seconds, twice"
            its.close()
            while True:  # what was begun is ended, too
                mute.settimeout(0.2)
                try:
                    peer, _ = mute.accept()
                except socket.timeout:
                    break
                with peer:
                    peer.settimeout(PATIENCE)
                    while peer.recv(1000):
                        pass

    def test_a_queue_with_other_arguments_is_one_clear_error(self, make):
        make(**{"x-max-priority": 3})
        with pytest.raises(ConfigError, match="x-max-priority"):
            make(**{"x-max-priority": 4})
        with pytest.raises(ConfigError, match="exists on .* with other arguments"):
            make()

    def test_a_priority_needs_a_queue_with_priorities(self, make):
        broker = make()
        with pytest.raises(ConfigError, match="x-max-priority"):
            put(broker, b"a", priority=1)
        assert broker.count() == 0

    # -- messages ---------------------------------------------------------------------------------------------------

    def test_what_is_moved_or_given_back_keeps_its_properties(self, make, monkeypatch):
        monkeypatch.setattr("funboost_rabbitmq.broker.MOVING", PATIENCE)
        broker, other = make(**{"x-max-priority": 5}), make("other", **{"x-max-priority": 5})
        put(broker, b"a", priority=4, attempts=3)
        (first,) = broker.fetch(10, PATIENCE)
        assert first.attempts == 4
        broker.requeue([first])
        (again,) = broker.fetch(10, PATIENCE)
        properties = again.tag[1].properties
        assert (again.attempts, properties.priority, properties.delivery_mode) == (4, 4, 2)
        broker.forward(again, Outgoing(b"b", attempts=again.attempts - 1), other.context.queue)
        (moved,) = other.fetch(10, PATIENCE)
        assert (moved.body, moved.attempts) == (b"b", 4)
        assert broker.fetch(10, 0) == []

    def test_what_the_server_does_not_count_is_told_so(self, make):
        first = make()
        put(first, b"a")
        first.fetch(1, PATIENCE)
        first.close()
        assert [delivery.attempts for delivery in make().fetch(1, PATIENCE)] == [0]

    def test_a_quorum_queue_counts(self, make):
        options = {"queue_arguments": {"x-queue-type": "quorum"}}
        first = make("quorum", **options)
        put(first, b"a")
        first.fetch(1, PATIENCE)
        first.close()
        assert [delivery.attempts for delivery in make("quorum", **options).fetch(1, PATIENCE)] == [2]

    def test_without_ack_a_message_is_gone_once_it_was_fetched(self, make):
        first = make(no_ack=True)
        put(first, b"a", b"b")
        assert bodies(first.fetch(1, PATIENCE)) == [b"a"]
        first.close()
        assert bodies(make().fetch(10, PATIENCE)) == [b"b"]

    def test_nothing_is_held_that_was_not_asked_for(self, make):
        """Also where fewer than asked for are there, and others come right after."""
        one, two = make(), make()
        seen = []
        for number in range(100):
            put(two, b"%d" % number)
            got = one.fetch(100, PATIENCE)
            seen += [(delivery.body, delivery.attempts) for delivery in got]
            one.ack(got)
        assert seen == [(b"%d" % number, 1) for number in range(100)]

    # -- what goes wrong on the way ---------------------------------------------------------------------------------

    @pytest.mark.lasting
    @pytest.mark.timeout(240)
    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    def test_cut_at_every_packet_nothing_is_lost(self, make, program, monkeypatch, rabbitmq_place, after):
        """And it is seen, whatever was asked just then."""
        self.be_patient_for(60, program(), monkeypatch)
        messages = [b"%d" % number for number in range(20)]
        with Proxy(rabbitmq_place.url) as proxy:
            for packet in range(1, 16):
                broker = make(f"q{packet}", proxy.url)
                put(broker, *messages)
                proxy.cut_after(packet, after)
                assert set(work_off(broker, *messages)) == set(messages), f"cut at packet {packet}"
                proxy.cut_after(0)
                broker.close()

    @pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
    def test_it_is_closed_while_others_use_it(self, make, program, monkeypatch, rabbitmq_place, cut):
        """At once, and they hear of nothing but that; also where the connection has just been cut."""
        self.be_patient_for(PATIENCE, program(), monkeypatch, "CLOSING")

        def use(what):
            with contextlib.suppress(BrokerUnavailable):
                while not broker._closed:
                    what()

        for number in range(4):
            with Proxy(rabbitmq_place.url) as proxy:
                broker = make("q", proxy.url)
                uses = [lambda: broker.ack(broker.fetch(10, 1)), *[lambda: put(broker, b"1", b"2")] * 2]  # noqa: B023
                calls = [Call(use, one) for one in uses]
                time.sleep(0.05 * number)
                if cut:
                    proxy.cut()
                begin = time.monotonic()
                for closing in [Call(broker.close) for _ in range(2)]:
                    closing.result()
                assert time.monotonic() - begin < 25, "somebody's patience was waited for, which is 30 seconds or more"
                for call in calls:
                    call.result()

    def test_a_queue_that_is_deleted_is_declared_again(self, make):
        broker, other = make(), make("other")
        waiting = Call(broker.fetch, 1, 2 * PATIENCE)
        until(lambda: self.consumers(other, broker.context.queue) == 1)
        self.delete(other, broker.context.queue)
        with pytest.raises(BrokerUnavailable, match="was deleted"):
            waiting.result()
        put(broker, b"a")  # by a connection that has declared it before
        assert bodies(broker.fetch(1, PATIENCE)) == [b"a"]

    def test_the_late_answer_to_a_cancel_does_not_end_the_next_consuming(
        self, make, program, monkeypatch, rabbitmq_place
    ):
        """The queue was deleted while the cancel was on its way, and the server said so before it had it."""
        self.be_patient_for(PATIENCE, program(), monkeypatch)
        with Holding(rabbitmq_place.url) as proxy:
            broker, other = make("q", proxy.url), make()
            assert broker.fetch(1, 0) == []
            proxy.hold(CANCEL)
            fetching = Call(broker.fetch, 1, 0)
            assert proxy.held.wait(PATIENCE)
            self.delete(other, broker.context.queue)
            assert fetching.result() == []
            put(other, b"a")
            fetching = Call(broker.fetch, 1, PATIENCE)
            until(lambda: broker._taking.consuming)
            proxy.let_go()
            assert bodies(fetching.result()) == [b"a"]
            broker.close()

    def test_a_server_that_takes_nothing_any_more_is_given_up(self, make, program, monkeypatch, rabbitmq_place):
        """Also where a part of what is published is on its way, and the rest does not fit into the buffers."""
        self.be_patient_for(1, program(), monkeypatch, "HANDSHAKE")
        with Holding(rabbitmq_place.url) as proxy:
            broker = make("q", proxy.url, publish_timeout=1)
            proxy.hold()
            publishing = Call(put, broker, *[b"x" * 4_000_000] * 10)
            with pytest.raises(BrokerUnavailable):
                publishing.result()
            broker.close()

    def delete(self, broker, queue):
        """Delete a queue, by the client library."""
        raise NotImplementedError

    def consumers(self, broker, queue):
        """How many a queue has, by the client library."""
        raise NotImplementedError

    @pytest.mark.lasting
    def test_heartbeats_go_on_while_the_gate_is_shut_and_while_a_task_runs(self, program, rabbitmq_place, caplog):
        """The server ends a connection that is silent for two heartbeats, and gives what it held to others."""
        ran, begun, release = [], threading.Event(), threading.Event()

        def long(x):
            ran.append(x)
            begun.set()
            release.wait(50)

        its = self.task(program(rabbitmq_place.url + "?heartbeat=3"), long, concurrent_num=1)
        its.consume()
        its.push(1)
        assert begun.wait(PATIENCE)
        its.pause_consume()
        time.sleep(10)  # the server looks every three seconds
        release.set()
        its.continue_consume()
        its.push(2)
        until(lambda: len(ran) > 1)
        assert its.task.environment.worker.stop()
        assert ran == [1, 2]
        assert "failed" not in caplog.text

    @pytest.mark.lasting
    def test_an_alarm_stops_publishing_and_not_consuming(self, make, own_rabbitmq):
        control = lambda *arguments: find("rabbitmq").control(own_rabbitmq, *arguments)  # noqa: E731
        consumer, publisher = make(url=own_rabbitmq.url), make(url=own_rabbitmq.url, publish_timeout=1)
        put(consumer, b"before", b"before too")
        control("set_vm_memory_high_watermark", "0.000001")
        try:
            assert "takes no messages for now" in until_blocked(lambda: put(publisher, b"during"))
            with pytest.raises(BrokerUnavailable, match="takes no messages for now"):
                put(publisher, b"during")
            acked, held = (*consumer.fetch(1, PATIENCE), *consumer.fetch(1, PATIENCE))
            consumer.ack([acked])
            assert bodies([acked, held]) == [b"before", b"before too"]
            assert "takes no messages for now" in until_blocked(lambda: consumer.requeue([held]))
        finally:
            control("set_vm_memory_high_watermark", "0.4")
        until(lambda: put(publisher, b"after") is None)
        until(lambda: consumer.requeue([held]) is None)
        put(consumer, b"last")
        seen = work_off(consumer, b"after", b"before too", b"last")
        assert set(seen) <= {b"during", b"after", b"before too", b"last"}

    @pytest.mark.lasting
    @pytest.mark.timeout(240)
    def test_consuming_goes_on_after_restarts_of_the_server(self, program, own_rabbitmq):
        seen, lock, enough = {}, threading.Lock(), threading.Event()

        def note(x):
            with lock:
                seen[x] = seen.get(x, 0) + 1
                if len(seen) == 400:
                    enough.set()

        its = self.task(program(own_rabbitmq.url), note, concurrent_num=4)
        its.push_many([{"x": number} for number in range(200)])
        its.consume()
        find("rabbitmq").settle(own_rabbitmq)
        for start in (200, 300):
            own_rabbitmq.kill() if start == 200 else own_rabbitmq.stop()
            with pytest.raises(BrokerUnavailable):
                its.push(0)
            own_rabbitmq.start()
            its.push_many([{"x": number} for number in range(start, start + 100)])
        assert enough.wait(60), sorted({*range(400)} - seen.keys())
        assert its.task.environment.worker.stop()
        assert its.get_message_count() == 0

    @pytest.mark.parametrize("name", MODES)
    def test_every_mode(self, rabbitmq_place, name):
        mode, patch, sleep, threads = MODES[name]
        for needed in (mode, f"funboost_pool_{mode}"):
            if importlib.util.find_spec(needed) is None and (patch or needed != mode):
                pytest.skip(f"{needed} is not installed")
        code = PROGRAM.format(
            mode=mode,
            patch=patch or ("import asyncio" if "await" in sleep else ""),
            sleep=sleep or "pass",
            threads=threads,
            keyword="async def" if "await" in sleep else "def",
        )
        command = [sys.executable, "-W", "ignore", "-c", code, rabbitmq_place.url, rabbitmq_place.namespace, self.kind]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
            ending = threading.Timer(100, program.kill)
            ending.start()
            told, errors = program.communicate()
            ending.cancel()
        assert told == "done\n", errors[-3000:]
        assert "Traceback" not in errors
        assert "the broker failed" not in errors
