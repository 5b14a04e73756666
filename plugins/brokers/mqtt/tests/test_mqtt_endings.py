"""What a stop, a cut and a kill leave behind, and what is refused."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
import time

import pytest
from certificates import self_signed
from funboost_broker_mqtt.errors import NobodyListens
from funboost_testing.services import Proxy
from funboost_testing.services.base import free_port
from missing_library import told_without
from mqtt_suite import settings_of
from push_stories import (
    PATIENCE,
    Seen,
    be_patient_at_the_end,
    listening,
    stop_while_held,
    task_of,
    until,
    until_nobody_listens,
)

from funboost_core import ConfigError
from funboost_core.errors import BrokerUnavailable

pytestmark = pytest.mark.server


# -- what is left -----------------------------------------------------------------------------------------------------------


def test_a_stop_keeps_what_waits_at_the_server(make, monkeypatch):
    """More than the window, so that most of it is only at the server."""
    be_patient_at_the_end(monkeypatch, "funboost_broker_mqtt.broker.EMPTYING")
    environment, seen = make(), Seen()
    task = task_of(environment, seen, concurrent_num=1)
    listening(task)
    seen.wait_for(1)
    seen.may.clear()
    task.push_many([{"x": n} for n in range(500)])
    seen.wait_for(2)
    assert stop_while_held(environment, seen)
    assert len(seen) < 500
    task.consume()
    seen.wait_for(501)
    assert environment.worker.stop()
    assert sorted(seen) == list(range(-1, 500))


def test_a_cut_loses_and_doubles_nothing(make, mqtt_place):
    """Ten of them, at any packet, while messages wait here and at the server; the publisher has a connection of its own."""
    seen, numbers, pushed = Seen(), itertools.count(), []
    options = {"session_expiry": 600}  # no matter how long a consumer that was cut takes to come back
    with Proxy(mqtt_place.url) as proxy:
        listening(task_of(make(proxy.url), lambda x: (time.sleep(0.001), seen(x)), options=options, concurrent_num=2))
        sender = task_of(make(), print)

        def push():
            some = list(itertools.islice(numbers, 50))
            sender.push_many([{"x": x} for x in some])
            pushed.extend(some)

        for n in range(10):
            planned = proxy.cuts + n % 2
            if n % 2:
                proxy.cut_after(10 + n, after=n % 3 == 0)
            push()
            if not n % 2:
                proxy.cut()
            while proxy.cuts < planned:  # several acknowledgements may be one packet
                until(lambda planned=planned: proxy.cuts == planned or len(seen) > len(pushed))
                push()
        seen.wait_for(len(pushed) + 1)
        time.sleep(0.3)
    assert sorted(seen) == [-1, *pushed]


def test_a_server_that_starts_anew_is_heard_again(make, start_mosquitto, caplog):
    server, seen = start_mosquitto(), Seen()
    environment = make(server.url)
    task = task_of(environment, seen)
    listening(task)
    for n in range(3):
        seen.wait_for(n + 1)
        server.kill()
        with pytest.raises(BrokerUnavailable):
            task.push(100)
        server.start()
        end = time.monotonic() + PATIENCE
        while True:
            try:
                task.push(n)
                break
            except BrokerUnavailable:
                assert time.monotonic() < end
    seen.wait_for(4)
    assert sorted(seen) == [-1, 0, 1, 2]
    assert "the server has forgotten this consumer" in caplog.text


_CONSUMER = """
import sys, time
from funboost_core import BoosterParams, Environment, boost
environment = Environment({"BROKER_KIND": "MQTT", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://",
                           "MQTT_TCP_PORT": int(sys.argv[1]), "NAMESPACE": sys.argv[2]})
@boost(BoosterParams(queue_name="q"), environment=environment)
def run(x):
    print(x, flush=True)
    time.sleep(600)
run.consume()
time.sleep(600)
"""


def test_others_go_on_when_a_consumer_is_killed(make, mqtt_place):
    """What it held is lost, as is declared; without a session that outlives it, nothing else is."""
    options, seen = {"session_expiry": 0}, Seen()
    arguments = [str(settings_of(mqtt_place.url)["MQTT_TCP_PORT"]), mqtt_place.namespace]
    program = _CONSUMER.replace('queue_name="q"', 'queue_name="q", broker_exclusive_config={"session_expiry": 0}')
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as child:
        task_of(make(), print, options={"publish_timeout": PATIENCE}).push(0)
        assert child.stdout.readline() == "0\n"
        child.kill()
        child.wait()
    knocking = task_of(make(), print, options={"publish_timeout": 0.2})
    until_nobody_listens(lambda: knocking.push(0), NobodyListens)  # the server has noticed
    task = task_of(make(), seen, options=options, concurrent_num=1)
    task.consume()
    for n in range(1, 20):
        task.push(n)
    seen.wait_for(19)
    assert seen == list(range(1, 20))


_GREEN = """
{patch}
import socket, ssl, sys, threading, time
theirs = socket.socket, ssl.SSLContext, threading.Lock
from funboost_core import BoosterParams, Environment, boost
from funboost_core.native import Thread, sleep  # real ones
environment = Environment({{"BROKER_KIND": "MQTT", "CONCURRENT_MODE": "{pool}", "STATE_URL": "memory://",
                           "MQTT_HOST": "localhost", "MQTT_TCP_PORT": int(sys.argv[1]), "NAMESPACE": sys.argv[2],
                           "MQTT_SSL": bool(sys.argv[3]), "MQTT_CA_FILE": sys.argv[3]}})
seen, ticks, beats = [], [], []
@boost(BoosterParams(queue_name="q"), environment=environment)
def run(x, load=""):
    seen.append(x)
def tick():
    while True:
        ticks.append(len(beats))
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
def beat():
    while True:
        beats.append(0)
        sleep(0.01)
Thread(target=beat, daemon=True).start()
run.consume()
for n in range(50):
    run.push(n)
run.push_many([{{"x": n, "load": 50_000 * "x"}} for n in range(50, 400)])  # more than a socket takes at once
end = time.monotonic() + 60
while len(seen) < 400 and time.monotonic() < end:
    time.sleep(0.01)
assert environment.worker.stop()
run.close()
# in beats of a real thread: a machine that is busy holds up both
assert max(b - a for a, b in zip(ticks, ticks[1:])) < 200, "the other greenlets were held up"
assert theirs == (socket.socket, ssl.SSLContext, threading.Lock), "what the program imports is as it was"
print(sorted(seen) == list(range(400)))
"""
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


def in_green_process(pool, *arguments):
    pytest.importorskip(f"funboost_pool_{pool}")
    code = _GREEN.format(patch=PATCHES[pool], pool=pool)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr[-2000:]


@pytest.mark.parametrize("pool", PATCHES)
def test_it_works_in_a_patched_process(mqtt_place, pool):
    in_green_process(pool, str(settings_of(mqtt_place.url)["MQTT_TCP_PORT"]), mqtt_place.namespace, "")


@pytest.fixture
def secure(start_mosquitto, tmp_path):
    """The port of a server with TLS, and the file to trust it by."""
    (file, key), port = self_signed(tmp_path), free_port()
    start_mosquitto(f"listener {port} 127.0.0.1", "allow_anonymous true", f"certfile {file}", f"keyfile {key}")
    return port, str(file)


@pytest.mark.parametrize("pool", PATCHES)
def test_tls_works_in_a_patched_process(secure, pool):
    port, file = secure
    in_green_process(pool, str(port), "tls", file)


def test_tls_with_certificates_that_are_trusted(make, secure):
    port, file = secure
    seen = Seen()
    task = task_of(make(MQTT_HOST="localhost", MQTT_TCP_PORT=port, MQTT_SSL=True, MQTT_CA_FILE=file), seen)
    listening(task)
    seen.wait_for(1)


@pytest.mark.filterwarnings(
    "ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)  # paho forgets to close it
def test_certificates_that_are_not_trusted_are_told(make, secure):
    port, _ = secure
    with pytest.raises(ConfigError, match=r"not trusted: self.signed certificate.*MQTT_CA_FILE"):
        task_of(make(MQTT_HOST="localhost", MQTT_TCP_PORT=port, MQTT_SSL=True), print).push(1)
    with pytest.raises(ConfigError, match=r"MQTT_CA_FILE='/nowhere/ca.pem' cannot be used"):
        task_of(make(MQTT_HOST="localhost", MQTT_SSL=True, MQTT_CA_FILE="/nowhere/ca.pem"), print).push(1)


# -- refusals ---------------------------------------------------------------------------------------------------------------


def test_a_missing_server_is_named(make):
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1 .*MQTT_HOST and MQTT_TCP_PORT"):
        task_of(make("mqtt://127.0.0.1:1"), print).push(1)


def test_a_port_that_is_no_number_is_refused(make):
    with pytest.raises(ConfigError, match=r"MQTT_TCP_PORT is 'x'"):
        task_of(make(MQTT_TCP_PORT="x"), print).push(1)


@pytest.fixture
def guarded(start_mosquitto, tmp_path):
    """A server that knows one user, who may use the queue `open` and hear only `quiet`."""
    users, rules = tmp_path / "users", tmp_path / "rules"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(users), "anna", "swordfish"], check=True, capture_output=True)
    rules.write_text("user anna\ntopic readwrite open\ntopic read quiet\n")
    return start_mosquitto("allow_anonymous false", f"password_file {users}", f"acl_file {rules}")


@pytest.mark.parametrize(("user", "password"), [("anna", "carpfish"), ("bert", "carpfish"), ("", "")])
def test_a_wrong_password_is_told_without_it(make, guarded, user, password):
    settings = {"NAMESPACE": "", "MQTT_USERNAME": user, "MQTT_PASSWORD": password}
    with pytest.raises(ConfigError, match="Correct MQTT_USERNAME and MQTT_PASSWORD|correct MQTT_USERNAME") as told:
        task_of(make(guarded.url, **settings), print, queue="open").push(1)
    assert "fish" not in str(told.value)


def test_the_right_password_is_let_in(make, guarded):
    seen = Seen()
    task = task_of(make(guarded.url, NAMESPACE="", MQTT_USERNAME="anna", MQTT_PASSWORD="swordfish"), seen, queue="open")
    listening(task)
    seen.wait_for(1)


def test_what_the_access_rules_forbid_is_told(make, guarded, caplog):
    environment = make(guarded.url, NAMESPACE="", MQTT_USERNAME="anna", MQTT_PASSWORD="swordfish")
    with pytest.raises(ConfigError, match=r"refused publishing to 'quiet': Not authorized\. Let the user 'anna'"):
        task_of(environment, print, queue="quiet").push(1)


def test_a_consumer_that_is_refused_says_so(make, guarded, caplog):
    environment = make(guarded.url, NAMESPACE="", MQTT_USERNAME="anna", MQTT_PASSWORD="carpfish")
    with caplog.at_level(logging.WARNING):
        task_of(environment, print, queue="open").consume()
        end = time.monotonic() + PATIENCE
        while "Correct MQTT_USERNAME" not in caplog.text and "correct MQTT_USERNAME" not in caplog.text:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert "fish" not in caplog.text


def test_a_missing_library_is_one_clear_error(tmp_path):
    told = told_without("paho", "MQTT", tmp_path, MQTT_PASSWORD="s3cret")
    assert "paho" in told
    assert "pip install funboost-broker-mqtt" in told
    assert "s3cret" not in told
