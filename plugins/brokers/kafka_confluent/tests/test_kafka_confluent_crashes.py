"""Programs that are killed: nothing is lost, and no more is repeated than the window."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from kafka_suite import QUICK

from funboost_core import BoosterParams, Environment, boost

pytest.importorskip("funboost_store_sqlite")  # the programs share a state
pytestmark = [pytest.mark.server, pytest.mark.lasting]
WINDOW = 40
PATIENCE = 40.0


@pytest.fixture
def options(kafka_place):
    return {
        "num_partitions": 2,
        "max_unacked": WINDOW,
        "consumer_config": {**QUICK, "session.timeout.ms": 1000},
        "group_id": kafka_place.namespace,
    }


@pytest.fixture
def environment(kafka_place, tmp_path):
    environment = Environment(
        {
            "BROKER_KIND": "KAFKA_CONFLUENT",
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "sqlite://",
            "DATA_DIR": str(tmp_path),
            "BEAT_SECONDS": 0.2,
            "KAFKA_BOOTSTRAP_SERVERS": kafka_place.url,
            "NAMESPACE": kafka_place.namespace,
        }
    )
    yield environment
    environment.close()


class Programs:
    def __init__(self, environment, options, folder):
        self.notes = folder / "notes.txt"
        self._settings = json.dumps(environment.settings.values)
        self._options = json.dumps(options)

    def start(self):
        script = str(Path(__file__).with_name("kafka_confluent_child.py"))
        return subprocess.Popen([sys.executable, script, self._settings, str(self.notes), self._options])

    def runs(self):
        return [int(line) for line in self.notes.read_text().split()] if self.notes.exists() else []

    def losses(self):
        """How often a program was taken for dead that was not."""
        return len(self.notes.with_name(self.notes.name + ".lost").read_text().split())

    def wait(self, condition, child):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"it did not happen; {len(self.runs())} runs"
            assert child is None or child.poll() is None, "the program has ended"
            time.sleep(0.02)


@pytest.fixture
def programs(environment, options, tmp_path):
    return Programs(environment, options, tmp_path)


def kill_again_and_again(environment, options, programs, times, count):
    params = BoosterParams(queue_name="q", broker_exclusive_config=options)
    task = boost(params, environment=environment)(lambda x: None)
    pushed = 0
    for _ in range(times):
        more = range(pushed, pushed + count // times)  # each has something to do, however far the last one came
        pushed = more.stop
        task.push_many([{"x": number} for number in more])
        before = len(programs.runs())
        child = programs.start()
        programs.wait(lambda before=before: len(programs.runs()) >= before + 150, child)
        child.kill()
        child.wait()
    child = programs.start()
    programs.wait(lambda: len(set(programs.runs())) == count, child)
    programs.wait(lambda: task.get_message_count() == 0, child)
    child.kill()
    child.wait()
    repeated = len(programs.runs()) - count
    deaths = times + programs.losses()
    assert repeated <= deaths * WINDOW * options["num_partitions"], f"{repeated} were repeated by {deaths} deaths"
    task.close()
    return repeated


@pytest.mark.timeout(240)
def test_killed_programs_lose_nothing_and_repeat_at_most_the_window(environment, options, programs):
    kill_again_and_again(environment, options, programs, times=4, count=1500)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_fifty_kills(environment, options, programs):
    repeated = kill_again_and_again(environment, options, programs, times=50, count=12000)
    print(f"50 kills, 12000 messages, lost 0, repeated {repeated}, window {WINDOW} in each of 2 partitions")


@pytest.mark.timeout(240)
def test_a_message_that_kills_its_programs_becomes_a_dead_letter(environment, options, programs):
    """Kafka counts no deliveries: that it is not the first is told by the metadata of the commit."""
    options = {**options, "num_partitions": 1}
    # who comes takes the place of who has died, at once: nobody need be taken for dead
    options["consumer_config"] = {**QUICK, "session.timeout.ms": 60_000, "group.instance.id": "the only one"}
    programs._options = json.dumps(options)
    params = BoosterParams(queue_name="q", broker_exclusive_config=options)
    task = boost(params, environment=environment)(lambda x: None)
    task.push(-1)
    task.push(7)
    deaths = 0
    while deaths < 10:
        child = programs.start()
        end = time.monotonic() + PATIENCE
        while child.poll() is None and task.get_message_count() and time.monotonic() < end:
            time.sleep(0.05)
        if child.poll() is None:
            child.kill()
            child.wait()
            break
        deaths += 1
    assert Counter(programs.runs())[-1] == 3, "max_deliveries"
    assert 7 in programs.runs()
    dead = boost(
        BoosterParams(queue_name="q_dlx", broker_exclusive_config={**options, "group_id": "dead"}),
        environment=environment,
    )(lambda **kwargs: None)
    assert dead.get_message_count() == 1
    task.close()
    dead.close()
