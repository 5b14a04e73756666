"""What is special to MQTT: who listens, foreign messages, answers, what a stop, a cut and a kill leave, and refusals."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time

import pytest
from funboost_broker_mqtt.errors import NobodyListens
from funboost_broker_mqtt.results import ResultTopic
from funboost_testing.services import Proxy
from mqtt_suite import settings_of
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from funboost_core import BoosterParams, ConfigError, Environment, boost
from funboost_core.errors import BrokerUnavailable

pytestmark = pytest.mark.server
PATIENCE = 10.0


class Foreign:
    """A program that knows nothing of us."""

    def __init__(self, url):
        settings = settings_of(url)
        self.heard, self._changed = [], threading.Condition()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.on_message = self._on_message
        self.client.connect(settings["MQTT_HOST"], settings["MQTT_TCP_PORT"])
        self.client.loop_start()

    def _on_message(self, client, userdata, message):
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()

    def listen(self, topic):
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(topic, 1)
        assert done.wait(PATIENCE)

    def send(self, topic, body, qos=1, **properties):
        given = Properties(PacketTypes.PUBLISH)
        for name, value in properties.items():
            setattr(given, name, value)
        self.client.publish(topic, body, qos, properties=given).wait_for_publish(PATIENCE)

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, PATIENCE), f"only {len(self.heard)} came"
        return self.heard

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def foreign(mqtt_place):
    foreign = Foreign(mqtt_place.url)
    yield foreign
    foreign.close()


@pytest.fixture
def make(tmp_path, mqtt_place):
    """``make(url, **settings)``: a program on that server."""
    made = []

    def make(url=mqtt_place.url, **settings):
        values = {
            "BROKER_KIND": "MQTT",
            "CONCURRENT_MODE": "threading",
            "DATA_DIR": str(tmp_path),
            "STATE_URL": "memory://",
            "BEAT_SECONDS": 0.1,
            "NAMESPACE": mqtt_place.namespace,
        }
        made.append(Environment({**values, **settings_of(url), **settings}))
        return made[-1]

    yield make
    for environment in made:
        environment.close()


class Seen(list):
    """What ran, in a task that may be held up."""

    def __init__(self):
        super().__init__()
        self.may = threading.Event()
        self.may.set()

    def __call__(self, x):
        self.append(x)
        self.may.wait(PATIENCE)

    def wait_for(self, count):
        end = time.monotonic() + PATIENCE
        while len(self) < count:
            assert time.monotonic() < end, f"only {len(self)} of {count} ran"
            time.sleep(0.01)


def task_of(environment, function, queue="q", options=None, **params):
    def run(x):
        return function(x)

    given = BoosterParams(queue_name=queue, broker_exclusive_config=options or {}, **params)
    return boost(given, environment=environment)(run)


def listening(task):
    """Its consumer has subscribed."""
    task.consume()
    task.push(-1)


# -- who listens ------------------------------------------------------------------------------------------------------------


def test_publishing_to_nobody_is_an_error_and_not_a_loss(make):
    task = task_of(make(), print, options={"publish_timeout": 0.2})
    with pytest.raises(NobodyListens, match=r"Start a consumer first"):
        task.push(1)


def test_messages_stay_in_order_while_one_begins_to_listen(make):
    environment, seen = make(), Seen()
    task = task_of(environment, seen, concurrent_num=1)
    pushing = threading.Thread(target=task.push_many, args=([{"x": n} for n in range(50)],))
    pushing.start()
    time.sleep(0.2)
    task.consume()
    pushing.join(PATIENCE)
    seen.wait_for(50)
    assert seen == list(range(50))


def test_each_group_gets_every_message(make):
    first, second = Seen(), Seen()
    one, two = task_of(make(), first), task_of(make(), second, options={"share_group": "others"})
    listening(one)
    two.consume()
    while not second:  # until both listen
        one.push(0)
        time.sleep(0.05)
    one.push(5)
    end = time.monotonic() + PATIENCE
    while not (5 in first and 5 in second):
        assert time.monotonic() < end, f"{first} {second}"
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["a/+", "a#", "$SYS"])
def test_a_queue_name_that_is_no_topic_is_refused(make, name):
    with pytest.raises(ConfigError, match="cannot be an MQTT topic"):
        task_of(make(NAMESPACE=""), print, queue=name).push(1)


# -- other programs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_plain_json_of_other_programs_runs(make, foreign, mqtt_place, qos):
    seen = Seen()
    listening(task_of(make(), seen))
    foreign.send(f"{mqtt_place.namespace}.q", '{"x": 7}', qos)
    seen.wait_for(2)
    assert seen[1] == 7


def test_what_is_pushed_is_plain_json(make, foreign, mqtt_place):
    foreign.listen(f"{mqtt_place.namespace}.q")
    task_of(make(), print).push(3)
    assert json.loads(foreign.wait_for(1)[0].payload)["x"] == 3


def test_qos_0_faster_than_the_tasks_is_dropped_and_told(make, foreign, mqtt_place, caplog, monkeypatch):
    monkeypatch.setattr("funboost_broker_mqtt.inbox.MOST", 5)
    seen = Seen()
    task = task_of(make(), seen, concurrent_num=1)
    listening(task)
    seen.wait_for(1)
    seen.may.clear()
    for n in range(100):
        foreign.send(f"{mqtt_place.namespace}.q", json.dumps({"x": n}), qos=0)
    end = time.monotonic() + PATIENCE
    while "were sent with QoS 0" not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.01)
    seen.may.set()


def test_a_requester_is_answered_where_it_asks(make, foreign, mqtt_place):
    results = ResultTopic()
    listening(task_of(make(), lambda x: x * 2, hooks=[results]))
    foreign.listen("answers/1")
    foreign.send(f"{mqtt_place.namespace}.q", '{"x": 21}', ResponseTopic="answers/1", CorrelationData=b"mine")
    (answer,) = foreign.wait_for(1)
    told = json.loads(answer.payload)
    assert (told["success"], told["result"], told["exception"]) == (True, 42, None)
    assert answer.properties.CorrelationData == b"mine"
    results.close()


def test_results_are_published_once_when_a_message_is_finished(make, foreign, mqtt_place):
    results = ResultTopic("results/{queue_name}/{x}")

    def half(x):
        if x % 2:
            raise ValueError("odd")
        return x // 2

    params = {"max_retry_times": 2, "is_print_detail_exception": False, "hooks": [results]}
    foreign.listen("results/q/#")
    task = task_of(make(), half, **params)
    task.consume()
    task.push(4)
    task.push(3)
    told = {message.topic: json.loads(message.payload) for message in foreign.wait_for(2)}
    assert told["results/q/4"]["result"] == 2
    assert told["results/q/3"]["exception"] == "ValueError: odd"
    time.sleep(0.2)
    assert len(foreign.heard) == 2
    results.close()


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
