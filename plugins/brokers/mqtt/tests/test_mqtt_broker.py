"""What is special to MQTT: who listens, foreign messages, answers."""

from __future__ import annotations

import json
import threading
import time

import pytest
from funboost_broker_mqtt.errors import NobodyListens
from funboost_broker_mqtt.results import ResultTopic
from push_stories import PATIENCE, Seen, listening, task_of, until_nobody_listens

from funboost_core import ConfigError

pytestmark = pytest.mark.server


# -- who listens ------------------------------------------------------------------------------------------------------------


def test_publishing_to_nobody_is_an_error_and_not_a_loss(make):
    task = task_of(make(), print, options={"publish_timeout": 0.2})
    assert "Start a consumer first" in str(until_nobody_listens(lambda: task.push(1), NobodyListens))


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
    assert sorted(seen) == [-1, 7]


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
