"""A fault at every call between fetch and acknowledgement: nothing lost, nothing done twice, the consumer goes on.

The messages of a scene ask for everything that can become of one.  The fault meets some call once or thrice, before or
after it has had its effect; then the consumer is stopped, and another one comes, as after a restart: what a broker
handed out while its answer was lost comes back only then.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections import Counter
from typing import Any

import pytest
from funboost_testing.faults import Faults, cut, delay, raises

from funboost_core import (
    BoosterParams,
    DeadLetterTask,
    Environment,
    Later,
    RequeueTask,
    boost,
    hookimpl,
)
from funboost_core.errors import PublishError
from funboost_core.task import Task

PLAIN = range(20)
RUNS = {**dict.fromkeys(PLAIN, 1), "back": 2, "retry": 2, "later": 1, "dead": 1}
"""How often each message is run when all goes well; "dead" ends as a dead letter."""

NOTIFY = [
    "funboost_before_execute",
    "funboost_after_execute",
    "funboost_before_ack",
    "funboost_after_ack",
]
DECIDE = ["funboost_convert_message", "funboost_admit", "funboost_judge"]


LINES = [("MEMORY_QUEUE", "threading"), ("SQLITE_QUEUE", "threading"), ("SQLITE_QUEUE", "asyncio")]


def make_environment(folder: Any, broker: str, pool: str = "threading") -> Environment:
    return Environment(
        {
            "BROKER_KIND": broker,
            "CONCURRENT_MODE": pool,
            "STATE_URL": "memory://" if broker == "MEMORY_QUEUE" else "sqlite://",
            "DATA_DIR": str(folder),
            "DRAIN_SECONDS": 30,
            "BEAT_SECONDS": 0.02,
        }
    )


def message(body: Any) -> Any:
    """A message, or the one in a dead letter that was never decoded."""
    data = body if isinstance(body, dict) else json.loads(body)
    about = data["extra"].get("dead_letter", {})
    if "body_b64" in about:
        return json.loads(base64.b64decode(about["body_b64"]))
    return about.get("body", data)


class Scene:
    """One environment and its messages."""

    def __init__(self, environment: Any, *hooks: Any) -> None:
        self.environment = environment
        self.runs: Counter[Any] = Counter()
        self.put_off: set[Any] = set()
        self._lock = threading.Lock()
        params = BoosterParams(
            queue_name="q",
            concurrent_num=4,
            max_retry_times=1,
            retry_interval=0.01,
            is_using_rpc_mode=True,
            is_print_detail_exception=False,
            hooks=[self, *hooks],
        )
        run: Any = self.run
        if environment("CONCURRENT_MODE") == "asyncio":

            async def run(x: Any) -> Any:
                return self.run(x)

        self.task: Any = boost(params, environment=environment)(run)
        self.results: dict[Any, Any] = {}

    def run(self, x: Any) -> Any:
        with self._lock:
            self.runs[x] += 1
            first = self.runs[x] == 1
        if x == "back" and first:
            raise RequeueTask
        if x == "retry" and first:
            raise ValueError("once")
        if x == "dead":
            raise DeadLetterTask
        return x

    @hookimpl(trylast=True)
    def funboost_admit(self, delivery: Any) -> Any:
        if delivery.arguments["x"] == "later" and not self.put_off:
            self.put_off.add("later")
            return Later(self.environment.clock.time() + 0.01)
        return None

    def publish(self) -> None:
        for x in RUNS:
            self.results[x] = self.task.push(x)

    def letters(self) -> list[Any]:
        """What the dead-letter queue holds."""
        broker: Any = Task(BoosterParams(queue_name="q_dlx"), None, self.environment).make_broker()
        broker.listen()
        found = [message(delivery.body)["x"] for delivery in broker.fetch(100, 0)]
        broker.close()
        return found

    def settle(self, wanted: Any) -> None:
        """Consume until `wanted()`, then stop."""
        self.task.consume()
        self.until(wanted)
        assert self.environment.worker.stop()

    def until(self, wanted: Any) -> None:
        for _ in range(4000):
            if wanted():
                return
            threading.Event().wait(0.005)
        raise AssertionError(f"it did not come true: {dict(self.runs)}, {self.task.get_message_count()} wait")

    def goes_on(self) -> None:
        """The same consumer still works."""
        self.task.push("after")
        self.until(lambda: self.runs["after"])

    def check(self, runs: dict[Any, int], dead: list[Any]) -> None:
        """After a last consumer: every message was run as often as it should, and none is left or was multiplied."""
        self.settle(lambda: not self.task.get_message_count() and all(self.runs[x] >= n for x, n in runs.items()))
        assert self.task.get_message_count() == 0
        assert dict(self.runs) == {**runs, "after": 1}
        assert sorted(map(str, self.letters())) == sorted(map(str, dead))


@pytest.fixture(params=LINES, ids="-".join)
def make_scene(request, tmp_path):
    environments = []

    def make(*hooks):
        environment = make_environment(tmp_path, *request.param)
        environments.append(environment)
        return Scene(environment, *hooks)

    yield make
    for environment in environments:
        environment.close()


times = pytest.mark.parametrize("times", [1, 3], ids=["once", "thrice"])


@times
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["fetch", "turn", "ack", "requeue", "forward", "maintain"])
def test_a_broker_that_is_cut(make_scene, step, after, times):
    scene = make_scene()
    scene.publish()
    with Faults(scene.environment) as faults:
        faults.at(step, cut(), after=after, times=times)
        scene.task.consume()
        scene.until(lambda: faults.met == [step] * times)
        scene.goes_on()
        assert scene.environment.worker.stop()
    scene.check(RUNS, ["dead"])


@times
@pytest.mark.parametrize(
    "error", [OSError("disk"), ValueError("a defect"), KeyError("x")], ids=lambda e: type(e).__name__
)
def test_a_broker_with_a_defect(make_scene, error, times):
    """Other errors than those which brokers should raise."""
    scene = make_scene()
    scene.publish()
    with Faults(scene.environment) as faults:
        for step in ("turn", "forward", "requeue"):
            faults.at(step, raises(error), times=times)
        scene.settle(lambda: sorted(faults.met) == sorted(["turn", "forward", "requeue"] * times))
        scene.task.consume()
        scene.goes_on()
        assert scene.environment.worker.stop()
    scene.check(RUNS, ["dead"])


@times
def test_a_reply_that_cannot_be_sent(make_scene, times):
    """The task is done all the same; who waits for it waits in vain."""
    scene = make_scene()
    scene.publish()
    with Faults(scene.environment) as faults:
        faults.at("replies.put", raises(OSError("full")), times=times)
        scene.task.consume()
        scene.until(lambda: faults.met == ["replies.put"] * times)
        scene.goes_on()
        assert scene.environment.worker.stop()
    scene.check(RUNS, ["dead"])
    replied = [x for x, result in scene.results.items() if not result.is_pending()]
    assert len(replied) == len(RUNS) - times


@times
@pytest.mark.parametrize("step", ["coordinator.beat", "coordinator.flags", "coordinator.leave"])
def test_a_coordinator_that_is_away(make_scene, step, times):
    """From the first beat on, and when the consumer says that it leaves."""
    scene = make_scene()
    scene.publish()
    with Faults(scene.environment) as faults:
        faults.at(step, raises(OSError("away")), times=times)
        faults.at("turn", cut(), after=True)  # some messages are held until the broker is closed
        scene.task.consume()
        scene.goes_on()
        if step != "coordinator.leave":
            scene.until(lambda: faults.met.count(step) == times)
        scene.environment.worker.stop()
        assert step in faults.met
    scene.check(RUNS, ["dead"])


class Failing:
    """A plugin one of whose hooks fails the first times, for plain messages."""

    def __init__(self, hook: str, times: int) -> None:
        self.left = times
        self._lock = threading.Lock()
        self.failed: list[Any] = []

        def fail(x: Any) -> None:
            with self._lock:
                fails = self.left and x in PLAIN
                self.left -= bool(fails)
            if fails:
                self.failed.append(x)
                raise RuntimeError("a plugin's defect")

        def of_body(body: Any) -> None:
            fail(message(body)["x"])

        def of_delivery(delivery: Any) -> None:
            fail(delivery.arguments["x"])

        setattr(self, hook, hookimpl(of_body if hook == "funboost_convert_message" else of_delivery))


@times
@pytest.mark.parametrize("hook", [*NOTIFY, *DECIDE])
def test_a_hook_that_fails(make_scene, hook, times):
    """Notify hooks change nothing; what cannot be converted or admitted becomes a dead letter; judging is the policy's."""
    plugin = Failing(hook, times)
    scene = make_scene(plugin)
    scene.publish()
    scene.task.consume()
    scene.until(lambda: not plugin.left)
    scene.goes_on()
    assert scene.environment.worker.stop()
    refused = plugin.failed if hook in {"funboost_convert_message", "funboost_admit"} else []
    scene.check({x: n for x, n in RUNS.items() if x not in refused}, ["dead", *refused])


@times
def test_an_around_hook_that_fails(make_scene, times):
    """It counts as the function's own failure, and the message is run again."""
    left, lock = [times], threading.Lock()

    class Around:
        @hookimpl
        def funboost_around_execute(self, task):
            def wrap(call):
                def wrapped(**arguments):
                    with lock:
                        fails = left[0] and arguments["x"] in PLAIN
                        left[0] -= bool(fails)
                    if fails:
                        raise RuntimeError("a plugin's defect")
                    return call(**arguments)

                return wrapped

            return wrap

    scene = make_scene(Around())
    scene.publish()
    scene.task.consume()
    scene.until(lambda: not left[0])
    scene.goes_on()
    assert scene.environment.worker.stop()
    scene.check(RUNS, ["dead"])


@times
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_publishing_tells_its_failure(make_scene, after, times):
    """And leaves nothing half done: the message is in the queue or it is not."""
    scene = make_scene()
    with Faults(scene.environment) as faults:
        faults.at("publish", raises(OSError("full")), after=after, times=times)
        for _ in range(times):
            with pytest.raises(PublishError, match="full"):
                scene.task.push("failed")
        scene.publish()
    assert scene.task.get_message_count() == len(RUNS) + (times if after else 0)
    scene.settle(lambda: scene.runs["dead"])
    scene.task.push("after")
    scene.check({**RUNS, "failed": times} if after else RUNS, ["dead"])


KILLED = """
import sys
from funboost_core import BoosterParams, Environment, boost
from funboost_testing.faults import Faults, kill

environment = Environment({"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "single_thread", "DATA_DIR": sys.argv[1]})

def fail(x):
    raise ValueError("no")

task = boost(BoosterParams(queue_name="q", retry_interval=0.01, max_retry_times=9), environment=environment)(fail)
with Faults(environment) as faults:
    faults.at("forward", kill(), after=sys.argv[2] == "after", nth=3)
    task.push(1)
    task.consume()
    environment.worker.wait(40)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="compares with SIGKILL's exit code")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_kills_itself_at_a_step(tmp_path, when):
    command = [sys.executable, "-c", KILLED, str(tmp_path), when]
    done = subprocess.run(command, capture_output=True, timeout=50, check=False)
    assert done.returncode == -9, done.stderr
    environment = make_environment(tmp_path, "SQLITE_QUEUE")
    broker: Any = Task(BoosterParams(queue_name="q"), None, environment).make_broker()
    broker.listen()
    found: list[Any] = []
    for _ in range(200):
        broker.maintain()
        found += broker.fetch(10, 0.05)
        if found:
            break
    assert [message(d.body)["extra"].get("run_times", 0) for d in found] == [2 if when == "before" else 3]
    broker.close()
    environment.close()


def test_faults_meet_the_calls_they_are_planned_for(tmp_path):
    """The tool itself: counting, several faults, others left alone, everything undone."""
    one, other = (make_environment(tmp_path / name, "SQLITE_QUEUE") for name in ("one", "other"))
    tasks = [boost(BoosterParams(queue_name="q"), environment=environment)(lambda x: x) for environment in (one, other)]
    told = []
    with Faults(one) as faults:
        faults.at("publish", cut(), nth=2, times=2)
        faults.at("publish", lambda environment: told.append(environment), nth=4, after=True)
        faults.at("publish", delay(0), nth=4)
        for task in tasks:
            for x in range(5):
                try:
                    task.push(x)
                except ConnectionError:
                    assert task is tasks[0] and x in {1, 2}
        assert faults.met == ["publish"] * 4 and told == [one] and faults.calls("publish") == 5
    tasks[0].push(9)
    assert faults.calls("publish") == 5
    assert [task.get_message_count() for task in tasks] == [4, 5]
    with pytest.raises(ValueError, match="no step 'settle'"):
        faults.at("settle", cut())
    with pytest.raises(ValueError, match="no step 'results.put'"):
        faults.at("results.put", cut())
    one.close()
    other.close()
