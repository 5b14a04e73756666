"""Failures: retried, given up, kept."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from funboost_core import (
    Capability,
    DeadLetterTask,
    EngineBroker,
    Environment,
    Executed,
    RequeueTask,
    hookimpl,
)
from funboost_core.errors import RetryTask
from funboost_core.native import Event
from funboost_core.outcome import ACK, Retry

from ..brokers.base import needs
from ..brokers.working import Notes
from ..calls import Call
from .base import EngineSuite


class EngineFailingTests(EngineSuite):
    """By the engine or by the core: the same happens."""

    @pytest.mark.parametrize("interval", [0, 0.1])
    def test_failures_run_max_retry_times_plus_one(
        self, environment: Environment, notes: Notes, interval: float
    ) -> None:
        """At once and after an interval; then the message is a dead letter."""

        def fail(x: int) -> None:
            notes.add((x, environment.clock.monotonic()))
            raise ValueError("no")

        task = self.task(
            environment,
            fail,
            max_retry_times=2,
            retry_interval=interval,
            is_push_to_dlx_queue_when_retry_max_times=True,
        )
        pushed = task.push(1)
        task.consume()
        (letter,) = self.dead_letters(environment)
        assert [x for x, _ in notes.seen] == [1, 1, 1], f"it ran {len(notes.seen)} times, max_retry_times is 2"
        times = [moment for _, moment in notes.seen]
        shortest = min(later - earlier for earlier, later in zip(times, times[1:]))
        assert shortest >= interval - 0.02, f"retry_interval is {interval} s, it ran again after {shortest:.3f} s"
        about = letter["extra"]["dead_letter"]
        assert (letter["x"], letter["extra"]["task_id"]) == (1, pushed.task_id)
        assert (about["attempts"], about["error"]) == (3, "ValueError: no")

    def test_what_a_message_overrides_holds(self, environment: Environment, notes: Notes) -> None:
        """Its own `max_retry_times`, 0 included."""
        from funboost_core import TaskOptions

        def fail(x: int) -> None:
            notes.add(x)
            raise ValueError("no")

        task = self.task(environment, fail, max_retry_times=3, is_push_to_dlx_queue_when_retry_max_times=True)
        task.publish({"x": 0}, options=TaskOptions(max_retry_times=0))
        task.publish({"x": 5}, options=TaskOptions(max_retry_times=5))
        task.consume()
        self.dead_letters(environment, 2)
        assert (notes.seen.count(0), notes.seen.count(5)) == (1, 6)

    def test_a_judge_decides(self, environment: Environment, notes: Notes) -> None:
        """More often than `max_retry_times`, and against a success."""

        class Plugin:
            @hookimpl
            def funboost_judge(self, delivery: Any, task: Any, outcome: Any) -> Any:
                return Retry() if outcome.runs < 4 else ACK

        task = self.task(environment, lambda x: notes.add(x), hooks=[Plugin()], max_retry_times=1)
        task.push(1)
        task.consume()
        notes.wait_for(4, self.patience)
        assert environment.worker.stop()
        assert notes.seen == [1, 1, 1, 1]

    def test_a_task_asks_for_what_becomes_of_it(self, environment: Environment, notes: Notes) -> None:
        """Another turn, another try, the end."""
        asked = [RequeueTask(), RetryTask(), DeadLetterTask()]

        def ask(x: int) -> None:
            notes.add(x)
            raise asked[len(notes.seen) - 1]

        task = self.task(environment, ask)
        task.push(1)
        task.consume()
        self.dead_letters(environment)
        assert environment.worker.stop()
        assert notes.seen == [1, 1, 1]

    def test_bad_messages_are_kept_and_the_others_run(self, environment: Environment, notes: Notes) -> None:
        """With their bytes and the reason."""
        task = self.task(environment, lambda x: notes.add(x))
        task.send_msg(b"{")
        task.send_msg('{"no_such_argument": 1}')
        task.push(1)
        task.consume()
        assert notes.wait_for(1, self.patience) == [1]
        reasons = {}
        for letter in self.dead_letters(environment, 2):
            about = letter["extra"]["dead_letter"]
            body = base64.b64decode(about["body_b64"]) if "body_b64" in about else letter["no_such_argument"]
            reasons[body] = about["reason"]
        assert reasons.keys() == {b"{", 1}
        assert "JSON" in reasons[b"{"]
        assert "no_such_argument" in reasons[1]

    @needs(Capability.ACK)
    def test_what_could_not_be_settled_is_executed_again(self, environment: Environment, notes: Notes) -> None:
        """An exception out of `execute` is no failed task: the message stays the engine's."""
        booster = self.task(environment, lambda x: None)
        broker = booster.task.make_broker()
        assert isinstance(broker, EngineBroker)

        def execute(body: Any, attempts: int = 1) -> Executed:
            notes.add(attempts)
            if len(notes.seen) == 1:
                raise ConnectionError("not settled")
            return Executed(ACK, None, None, None)

        booster.push(1)
        stop = Event()
        broker.bind(booster.task, execute)
        serving = Call(broker.serve, stop)
        try:
            notes.wait_for(2, self.patience)
        finally:
            stop.set()
            serving.running(self.patience)
            broker.close()
