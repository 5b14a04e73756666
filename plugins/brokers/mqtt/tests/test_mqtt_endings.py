"""What a stop, a cut and a kill leave behind, and what is refused."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

import pytest
from funboost_testing.services import Proxy
from mqtt_stories import PATIENCE, Seen, listening, task_of
from mqtt_suite import settings_of

from funboost_core import ConfigError
from funboost_core.errors import BrokerUnavailable

pytestmark = pytest.mark.server


# -- what is left -----------------------------------------------------------------------------------------------------------


def test_a_stop_keeps_what_waits_at_the_server(make, mqtt_place):
    """More than the window, so that most of it is only at the server."""
    environment, seen = make(), Seen()
    task = task_of(environment, seen, concurrent_num=1)
    listening(task)
    seen.wait_for(1)
    seen.may.clear()
    task.push_many([{"x": n} for n in range(500)])
    seen.wait_for(2)
    threading.Timer(0.1, seen.may.set).start()
    assert environment.worker.stop()
    assert len(seen) < 500
    task.consume()
    seen.wait_for(501)
    assert environment.worker.stop()
    assert sorted(seen) == list(range(-1, 500))


def test_a_cut_loses_and_doubles_nothing(make, mqtt_place):
    """Ten of them, at any packet, while messages wait here and at the server; the publisher has a connection of its own."""
    seen = Seen()
    with Proxy(mqtt_place.url) as proxy:
        listening(task_of(make(proxy.url), lambda x: (time.sleep(0.001), seen(x)), concurrent_num=2))
        sender = task_of(make(), print)
        for n in range(10):
            if n % 2:
                proxy.cut_after(10 + n, after=n % 3 == 0)
            sender.push_many([{"x": x} for x in range(50 * n, 50 * n + 50)])
            if not n % 2:
                proxy.cut()
        seen.wait_for(501)
        assert proxy.cuts
        time.sleep(0.3)
    assert sorted(seen) == list(range(-1, 500))


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
        task = task_of(make(), seen, options=options)
        task.push(0)
        assert child.stdout.readline() == "0\n"
        child.kill()
        child.wait()
    task.consume()
    for n in range(1, 20):
        task.push(n)
    seen.wait_for(19)
    assert seen == list(range(1, 20))


_GREEN = """
from gevent import monkey; monkey.patch_all()
import sys, time
from funboost_core import BoosterParams, Environment, boost
environment = Environment({"BROKER_KIND": "MQTT", "CONCURRENT_MODE": "gevent", "STATE_URL": "memory://",
                           "MQTT_TCP_PORT": int(sys.argv[1]), "NAMESPACE": sys.argv[2]})
seen = []
@boost(BoosterParams(queue_name="q"), environment=environment)
def run(x):
    seen.append(x)
run.consume()
for n in range(100):
    run.push(n)
end = time.monotonic() + 10
while len(seen) < 100 and time.monotonic() < end:
    time.sleep(0.01)
assert environment.worker.stop()
run.close()
print(sorted(seen) == list(range(100)))
"""


def test_it_works_in_a_process_that_gevent_has_patched(mqtt_place):
    pytest.importorskip("funboost_pool_gevent")
    arguments = [str(settings_of(mqtt_place.url)["MQTT_TCP_PORT"]), mqtt_place.namespace]
    done = subprocess.run(
        [sys.executable, "-c", _GREEN, *arguments], capture_output=True, text=True, timeout=40, check=False
    )
    assert done.stdout == "True\n", done.stderr[-2000:]


def test_a_process_that_eventlet_has_patched_is_refused():
    pytest.importorskip("eventlet")
    program = (
        "import eventlet; eventlet.monkey_patch()\n"
        "from funboost_core import BoosterParams, Environment, boost\n"
        "@boost(BoosterParams(queue_name='q', broker_kind='MQTT'), environment=Environment())\n"
        "def run(x): ...\n"
        "run.push(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=40, check=False)
    assert "does not work in a process that eventlet has patched" in done.stderr


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
