"""Every control, in every pool, over memory and SQLite, set by the decorator and by the message, on a clock moved by hand.

gevent and eventlet run in a process of their own each (`first_line`).  Falsy values of a message override.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from funboost_testing.clock import FakeClock
from rest import Steady

from funboost_core import BoosterParams, Environment, HistoryParams, RequeueTask, TaskOptions, boost, hookimpl
from funboost_core.consuming import kills
from funboost_core.ports.broker import PullBroker
from funboost_core.task import Task

BROKERS = ("MEMORY_QUEUE", "SQLITE_QUEUE")
STEP = 0.25
"""Seconds by which the clock moves at a time while something is waited for."""


class Story:
    """A task in one pool over one broker, and when it ran, on the clock of the story."""

    def __init__(self, environment: Environment, clock: FakeClock, pool: str) -> None:
        self.environment, self.clock, self.pool = environment, clock, pool
        self.seen: list[Any] = []
        self.times: list[float] = []
        self.running = 0
        self.most = 0
        self.looking = 0
        """Functions that look at the clock; while any other one is called it stands still."""
        self._lock = threading.Lock()
        self._steady = Steady(environment, clock, STEP, lambda: self.looking)

    def task(self, function: Callable[..., Any], **params: Any) -> Any:
        """`function` as a task, a coroutine function where the pool wants one; it is noted when it begins."""
        noted = self._noting(function)
        if self.pool == "asyncio":

            async def call(**arguments: Any) -> Any:
                result = noted(**arguments)
                if not inspect.isawaitable(result):
                    return result
                with self._running():
                    return await result

        else:

            def call(**arguments: Any) -> Any:
                return noted(**arguments)

        call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        params.setdefault("queue_name", "story")
        params.setdefault("is_print_detail_exception", False)
        return boost(BoosterParams(**params), environment=self.environment)(call)

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            with self._lock:
                self.seen.append(arguments.get("x"))
                self.times.append(self.clock.time())
            with self._running():
                return function(**arguments)

        return call

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1

    def until(self, condition: Callable[[], Any], most: float = 120.0) -> None:
        """Move the clock in small steps until `condition` holds; it may take `most` seconds of the clock's time."""
        assert self._steady.until(condition, most), f"it did not come true: {self.seen}"

    def runs(self, count: int, most: float = 120.0) -> list[Any]:
        """What ran, once it is `count` runs."""
        self.until(lambda: len(self.seen) >= count, most)
        return self.seen

    def settled(self, task: Any, runs: int, seconds: float = 10.0) -> None:
        """`runs` runs and no more, although so much time passes."""
        self.runs(runs)
        self.pass_time(seconds)
        assert len(self.seen) == runs, self.seen
        assert task.get_message_count() == 0

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and threads do what they then do."""
        self._steady.pass_time(seconds)

    def lasting(self, seconds: float, ended: list[Any]) -> Callable[..., Any]:
        """A function that takes so long on the clock of the story, in a way that suits the pool."""

        def wait(x: Any) -> Any:
            until = self.clock.time() + seconds
            try:
                self._looks(1)
                while self.clock.time() < until:
                    time.sleep(0.002)
            except BaseException as error:
                ended.append(type(error).__name__)
                raise
            finally:
                self._looks(-1)
            ended.append(x)

        async def wait_on_the_loop(x: Any) -> Any:
            until = self.clock.time() + seconds
            try:
                self._looks(1)
                while self.clock.time() < until:
                    await asyncio.sleep(0.002)
            except BaseException as error:
                ended.append(type(error).__name__)
                raise
            finally:
                self._looks(-1)
            ended.append(x)

        return wait_on_the_loop if self.pool == "asyncio" else wait

    def _looks(self, more: int) -> None:
        with self._lock:
            self.looking += more

    def dead(self) -> int:
        """How many dead letters there are."""
        broker = Task(BoosterParams(queue_name="story_dlx"), None, self.environment).make_broker()
        assert isinstance(broker, PullBroker)
        try:
            return broker.count()
        finally:
            broker.close()


def publish(task: Any, x: Any, options: dict[str, Any]) -> Any:
    return task.publish({"x": x}, options=TaskOptions(**options)) if options else task.push(x)


def fail(x: Any) -> None:
    raise ValueError(x)


def give_back(x: Any) -> Any:
    return x


# -- controls that a message may set too: (story, by the decorator, by the message) --------------------------------------


def max_retry_times(story: Story, params: dict[str, Any], options: dict[str, Any], value: Any) -> None:
    task = story.task(fail, **params)
    publish(task, 1, options)
    task.consume()
    story.settled(task, value + 1)


def retry_interval(story: Story, params: dict[str, Any], options: dict[str, Any], value: Any) -> None:
    task = story.task(fail, max_retry_times=1, **params)
    publish(task, 1, options)
    task.consume()
    story.runs(2)
    assert story.times[1] - story.times[0] >= value
    assert value or story.times[1] == story.times[0]


def is_push_to_dlx_queue_when_retry_max_times(
    story: Story, params: dict[str, Any], options: dict[str, Any], value: Any
) -> None:
    task = story.task(fail, max_retry_times=0, **params)
    publish(task, 1, options)
    task.consume()
    story.settled(task, 1)
    assert story.dead() == int(value)


def msg_expire_seconds(story: Story, params: dict[str, Any], options: dict[str, Any], value: Any) -> None:
    task = story.task(give_back, **params)
    publish(task, "old", options)
    story.clock.advance(value + 1)
    task.push("end") if not params else publish(task, "end", {"msg_expire_seconds": 10_000})
    task.consume()
    story.settled(task, 1)
    assert story.seen == ["end"]


def is_using_rpc_mode(story: Story, params: dict[str, Any], options: dict[str, Any], value: Any) -> None:
    task = story.task(give_back, **params)
    result = publish(task, 7, options)
    task.consume()
    story.settled(task, 1)
    assert (story.environment.state.replies.get(result.task_id, 0) is not None) is value


def is_print_detail_exception(story: Story, params: dict[str, Any], options: dict[str, Any], value: Any) -> None:
    records: list[logging.LogRecord] = []
    task = story.task(fail, max_retry_times=0, **{"is_print_detail_exception": False, **params})
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    task.task.logger.addHandler(handler)
    try:
        publish(task, 1, options)
        task.consume()
        story.settled(task, 1)
    finally:
        task.task.logger.removeHandler(handler)
    (failure,) = [record for record in records if "ValueError" in record.getMessage()]
    assert bool(failure.exc_info) is value


def function_timeout(story: Story, params: dict[str, Any], options: dict[str, Any], value: Any) -> None:
    ended: list[Any] = []
    task = story.task(story.lasting(20, ended), max_retry_times=1, **params)
    publish(task, "whole", options)
    task.consume()
    story.settled(task, 2 if value else 1, 30)
    if value:
        interrupted = "CancelledError" if story.pool == "asyncio" else "RunInterrupted"
        story.until(lambda: len(ended) == 2)
        assert ended == [interrupted, interrupted]
        assert value <= story.times[1] - story.times[0] < 20
    else:
        assert ended == ["whole"]


BOTH = {
    function_timeout: (5, 0),
    max_retry_times: (2, 0),
    retry_interval: (5, 0),
    is_push_to_dlx_queue_when_retry_max_times: (True, False),
    msg_expire_seconds: (5, 0),
    is_using_rpc_mode: (True, False),
    is_print_detail_exception: (True, False),
}
"""Control -> a value, and a falsy one that a message sets against it."""


# -- controls of the message alone ---------------------------------------------------------------------------------------


def countdown(story: Story) -> None:
    task = story.task(give_back)
    publish(task, 1, {"countdown": 20})
    task.consume()
    began = story.clock.time()
    story.runs(1)
    assert story.times[0] - began >= 20


def eta(story: Story) -> None:
    task = story.task(give_back)
    due = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(story.clock.time() + 30))
    publish(task, 1, {"eta": due})
    task.consume()
    began = story.clock.time()
    story.runs(1)
    assert story.times[0] - began >= 29


def misfire_grace_time(story: Story) -> None:
    task = story.task(give_back)
    for x, grace in (("late", 5), ("in time", 60)):
        publish(task, x, {"countdown": 1, "misfire_grace_time": grace})
    story.clock.advance(30)
    task.consume()
    story.settled(task, 1)
    assert story.seen == ["in time"]


def priority(story: Story) -> None:
    task = story.task(give_back, concurrent_num=1)
    for value in (1, 3, 2):
        publish(task, value, {"priority": value})
    task.push(0)
    task.consume()
    assert story.runs(4) == [3, 2, 1, 0]


def filter_str(story: Story) -> None:
    task = story.task(give_back, do_task_filtering=True, concurrent_num=1)
    publish(task, 1, {"filter_str": "same"})
    publish(task, 2, {"filter_str": "same"})
    publish(task, 1, {"filter_str": ""})
    publish(task, 2, {"filter_str": ""})
    task.consume()
    story.settled(task, 2)


# -- controls of the decorator alone -------------------------------------------------------------------------------------


def qps(story: Story, **more: Any) -> None:
    task = story.task(give_back, qps=4, **more)
    for x in range(20):
        task.push(x)
    task.consume()
    story.runs(20)
    assert all(sum(first <= other < first + 1 for other in story.times) <= 5 for first in story.times)
    assert story.times[-1] - story.times[0] >= 4


def is_using_distributed_frequency_control(story: Story) -> None:
    qps(story, is_using_distributed_frequency_control=True)


def rate_group(story: Story) -> None:
    tasks = [story.task(give_back, queue_name=name, qps=4, rate_group="both") for name in ("one", "two")]
    for x in range(10):
        for task in tasks:
            task.push(x)
    for task in tasks:
        task.consume()
    story.runs(20)
    assert story.times[-1] - story.times[0] >= 4


def key_qps(story: Story) -> None:
    task = story.task(give_back, rate_key="x", key_qps=1)
    for x in "aaab":
        task.push(x)
    task.consume()
    story.runs(4)
    of = [when for when, x in sorted(zip(story.times, story.seen)) if x == "a"]
    assert of[2] - of[0] >= 2 - STEP
    assert story.times[story.seen.index("b")] - min(story.times) <= 1


def key_concurrent_num(story: Story) -> None:
    together: list[int] = []

    def nap(x: Any) -> None:
        together.append(story.running)
        time.sleep(0.01)

    task = story.task(nap, rate_key="x", key_concurrent_num=1)
    for _ in range(4):
        task.push("a")
    task.consume()
    story.runs(4)
    assert max(together) == 1


def concurrent_num(story: Story) -> None:
    task = story.task(lambda x: time.sleep(0.01), concurrent_num=2)
    for x in range(10):
        task.push(x)
    task.consume()
    story.runs(10)
    assert story.most <= 2


def do_task_filtering(story: Story) -> None:
    task = story.task(give_back, do_task_filtering=True)
    for x in (1, 1, 2, 1):
        task.push(x)
    task.consume()
    story.settled(task, 2)
    assert sorted(story.seen) == [1, 2]


def task_filtering_expire_seconds(story: Story) -> None:
    task = story.task(give_back, do_task_filtering=True, task_filtering_expire_seconds=60)
    task.push(1)
    task.consume()
    story.settled(task, 1)
    task.push(1)
    story.settled(task, 1)
    story.clock.advance(61)
    task.push(1)
    story.settled(task, 2)


def unique_after_success(story: Story) -> None:
    def once(x: Any) -> None:
        if len(story.seen) == 1:
            raise ValueError(x)

    task = story.task(once, unique="after_success", unique_key="x", max_retry_times=0)
    task.push(1)
    task.consume()
    story.settled(task, 1)
    task.push(1)  # the first one failed for good
    story.settled(task, 2)
    task.push(1)
    story.settled(task, 2)


def unique_while_running(story: Story) -> None:
    together: list[int] = []

    def nap(x: Any) -> None:
        together.append(story.running)
        time.sleep(0.01)

    task = story.task(nap, unique="while_running")
    for _ in range(3):
        task.push("a")
    task.consume()
    story.settled(task, 3)
    assert max(together) == 1


def unique_while_queued(story: Story) -> None:
    task = story.task(give_back, unique="while_queued")
    first, second = task.push(1), task.push(1)
    assert first.task_id == second.task_id
    task.consume()
    story.settled(task, 1)
    task.push(1)
    story.settled(task, 2)


def throttle_seconds(story: Story) -> None:
    task = story.task(give_back, throttle_seconds=60)
    task.push(1)
    task.push(1)
    task.consume()
    story.settled(task, 1)
    story.clock.advance(61)
    task.push(1)
    story.settled(task, 2)


def debounce_seconds(story: Story) -> None:
    task = story.task(give_back, debounce_seconds=10, unique_key=lambda x: "all")
    task.consume()
    for x in (1, 2, 3):
        task.push(x)
        story.pass_time(2)
    story.settled(task, 1)
    assert story.seen == [3]


def run_window(story: Story) -> None:
    task = story.task(give_back, run_window="0-9 23 * * *")  # the clock begins at 22:13:20 UTC
    task.push(1)
    task.consume()
    story.pass_time(5)
    assert not story.seen
    story.clock.advance(2800)
    story.runs(1)


def is_do_not_run_by_specify_time_effect(story: Story) -> None:
    task = story.task(
        give_back, is_do_not_run_by_specify_time_effect=True, do_not_run_by_specify_time=("22:00:00", "23:00:00")
    )
    task.push(1)
    task.consume()
    story.pass_time(5)
    assert not story.seen
    story.clock.advance(2800)
    story.runs(1)


def retry_backoff(story: Story) -> None:
    task = story.task(fail, max_retry_times=3, retry_interval=2, retry_backoff=3, retry_interval_max=10)
    task.push(1)
    task.consume()
    story.runs(4)
    gaps = [later - earlier for earlier, later in zip(story.times, story.times[1:])]
    assert all(least <= gap < least + 2 for least, gap in zip((2, 6, 10), gaps)), gaps


def retry_only_for(story: Story) -> None:
    _by_type(story, retry_only_for=(KeyError,))


def retry_never_for(story: Story) -> None:
    _by_type(story, retry_never_for=(ValueError,))


def _by_type(story: Story, **params: Any) -> None:
    def either(x: Any) -> None:
        raise KeyError(x) if x == "key" else ValueError(x)

    task = story.task(either, max_retry_times=1, is_push_to_dlx_queue_when_retry_max_times=True, **params)
    task.push("key")
    task.push("value")
    task.consume()
    story.settled(task, 3)
    assert sorted(story.seen) == ["key", "key", "value"]
    assert story.dead() == 2


def dead_letter_for(story: Story) -> None:
    task = story.task(fail, dead_letter_for=(ValueError,))
    task.push(1)
    task.consume()
    story.settled(task, 1)
    assert story.dead() == 1


def requeue(story: Story) -> None:
    def twice(x: Any) -> None:
        if len(story.seen) < 2:
            raise RequeueTask

    task = story.task(twice, max_retry_times=0)
    task.push(1)
    task.consume()
    story.settled(task, 2)


def max_message_bytes(story: Story) -> None:
    task = story.task(give_back, max_message_bytes=300)
    task.send_msg(b'{"x": "' + b"a" * 400 + b'"}')
    task.push(1)
    task.consume()
    story.settled(task, 1)
    assert story.dead() == 1


def consuming_function_decorator(story: Story) -> None:
    def negative(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: function(x=-x)

    task = story.task(give_back, consuming_function_decorator=negative)
    task.push(1)
    task.consume()
    assert story.runs(1) == [-1]


def is_support_remote_kill_task(story: Story) -> None:
    ended: list[Any] = []
    task = story.task(story.lasting(3600, ended), is_support_remote_kill_task=True, is_using_rpc_mode=True)
    queued, running = task.push("queued"), task.push("running")
    kills.order(story.environment, "story", queued.task_id)
    task.consume()
    story.runs(1)
    story.environment.state.coordinator.set_flag("story:kill", running.task_id, "1", 60)  # from another process
    story.until(lambda: ended, 10)
    story.settled(task, 1)
    assert story.seen == ["running"]
    replies = [json.loads(story.environment.state.replies.get(one.task_id, 0)) for one in (queued, running)]
    assert [reply["exception_type"] for reply in replies] == ["TaskSkipped", "TaskKilled"]
    story.pass_time(100)
    assert story.environment.state.coordinator.flags("story:kill") == {}


def user_custom_record_process_info_func(story: Story) -> None:
    told: list[Any] = []
    task = story.task(fail, max_retry_times=1, user_custom_record_process_info_func=told.append)
    task.push(1)
    task.consume()
    story.settled(task, 2)
    story.until(lambda: told)
    assert [(status.run_times, status.success) for status in told] == [(2, False)]


def history(story: Story) -> None:
    task = story.task(fail, max_retry_times=1, history=HistoryParams(is_save_status=True, is_use_bulk_insert=True))
    result = task.push(1)
    task.consume()
    story.until(lambda: story.environment.state.history.search(success=False))
    record = story.environment.state.history.get(result.task_id)
    assert (record["run_times"], record["exception_type"]) == (2, "ValueError")


def hooks(story: Story) -> None:
    class Plugin:
        @hookimpl
        def funboost_before_publish(self, message: Any) -> None:
            message.arguments["x"] += 1

    task = story.task(give_back, hooks=[Plugin()])
    task.push(1)
    task.consume()
    assert story.runs(1) == [2]


MESSAGE = (countdown, eta, misfire_grace_time, priority, filter_str)
DECORATOR = (
    qps,
    is_using_distributed_frequency_control,
    rate_group,
    key_qps,
    key_concurrent_num,
    concurrent_num,
    do_task_filtering,
    task_filtering_expire_seconds,
    unique_after_success,
    unique_while_running,
    unique_while_queued,
    throttle_seconds,
    debounce_seconds,
    run_window,
    is_do_not_run_by_specify_time_effect,
    retry_backoff,
    retry_only_for,
    retry_never_for,
    dead_letter_for,
    requeue,
    max_message_bytes,
    consuming_function_decorator,
    is_support_remote_kill_task,
    history,
    user_custom_record_process_info_func,
    hooks,
)
ELSEWHERE = {
    "isolation": "test_isolation.py",
    "isolation_memory_mb": "test_isolation.py",
    "isolation_cpu_seconds": "test_isolation.py",
    "max_deliveries": "test_poison.py",
    "retry_interval_max": "retry_backoff",
    "retry_jitter": "test_retry.py",
    "unique": "unique_*",
    "unique_key": "unique_after_success",
    "rate_key": "key_qps",
    "do_not_run_by_specify_time": "is_do_not_run_by_specify_time_effect",
    "rpc_result_expire_seconds": "the suites of stores",
    "should_check_publish_func_params": "test_controls.py",
    "specify_concurrent_pool": "test_sharing.py",
    "is_show_message_get_from_broker": "test_told.py",
    "process_max_tasks": "test_recycling.py",
    "process_max_memory_mb": "test_recycling.py",
}
"""Controls that another test, or the story of another one, is about."""


def _id(story: Callable[..., Any]) -> str:
    return story.__name__


class Matrix:
    pool: str
    first_line = ""

    @pytest.fixture(params=BROKERS)
    def story(self, request, tmp_path):
        """A story in the class's pool over each embedded broker."""
        pytest.importorskip(f"funboost_pool_{self.pool}")
        clock = FakeClock()
        environment = Environment(
            {
                "BROKER_KIND": request.param,
                "CONCURRENT_MODE": self.pool,
                "STATE_URL": "memory://" if request.param == "MEMORY_QUEUE" else "sqlite://",
                "DATA_DIR": str(tmp_path),
                "DRAIN_SECONDS": 5,
            },
            clock=clock,
        )
        yield Story(environment, clock, self.pool)
        ending = threading.Thread(target=environment.close)
        ending.start()
        while ending.is_alive():
            clock.advance(STEP)
            time.sleep(0.01)  # not join: eventlet's, on Python 3.13, raises when the time is over

    @pytest.mark.parametrize("way", ["decorator", "message", "falsy message"])
    @pytest.mark.parametrize("control", BOTH, ids=_id)
    def test_set_by_the_decorator_or_by_the_message(self, story, control, way):
        value, falsy = BOTH[control]
        name = control.__name__
        params = {} if way == "message" else {name: value}
        options = {} if way == "decorator" else {name: value if way == "message" else falsy}
        control(story, params, options, falsy if way == "falsy message" else value)

    @pytest.mark.parametrize("control", MESSAGE, ids=_id)
    def test_set_by_the_message(self, story, control):
        control(story)

    @pytest.mark.parametrize("control", DECORATOR, ids=_id)
    def test_set_by_the_decorator(self, story, control):
        control(story)


class TestThreading(Matrix):
    pool = "threading"


class TestSingleThread(Matrix):
    pool = "single_thread"


class TestAsyncio(Matrix):
    pool = "asyncio"


class TestGevent(Matrix):
    pool = "gevent"
    first_line = "from gevent import monkey; monkey.patch_all()"


class TestEventlet(Matrix):
    pool = "eventlet"
    first_line = "import eventlet; eventlet.monkey_patch()"


def test_no_control_is_left_out():
    from funboost_core.explain import LEFT_OUT

    here = {control.__name__ for control in (*BOTH, *MESSAGE, *DECORATOR)} | ELSEWHERE.keys()
    assert (BoosterParams.model_fields.keys() | TaskOptions.model_fields.keys()) - LEFT_OUT <= here | {
        "other_extra_params",
        "is_send_consumer_heartbeat",
    }
