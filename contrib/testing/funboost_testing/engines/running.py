"""Messages are executed by the engine as they would be by the core."""

from __future__ import annotations

from typing import Any

import pytest

from funboost_core import Capability, Environment, fct, hookimpl

from ..brokers.base import needs
from ..brokers.working import Notes
from .base import EngineSuite, owns


class EngineRunningTests(EngineSuite):
    """Arguments, context, hooks, results."""

    def test_every_message_runs_once(self, environment: Environment, capabilities: Capability, notes: Notes) -> None:
        """With the right arguments."""
        task = self.task(environment, lambda x, y=0: notes.add((x, y)))
        for n in range(20):
            task.push(n, y=-n)
        task.push_many([{"x": n, "y": -n} for n in range(20, 60)])
        task.consume()
        assert sorted(notes.wait_for(60, self.patience)) == [(n, -n) for n in range(60)]
        if Capability.COUNT in capabilities:
            self.eventually("the queue is empty", lambda: task.get_message_count() <= 0)
        assert environment.worker.stop()
        assert len(notes.seen) == 60, "messages were run twice"

    def test_coroutine_functions_run(self, environment: Environment, notes: Notes) -> None:
        """On a loop of the worker that runs them."""

        async def later(x: int) -> None:
            import asyncio

            await asyncio.sleep(0)
            notes.add(x)

        task = self.task(environment, later)
        task.push_many([{"x": n} for n in range(5)])
        task.consume()
        assert sorted(notes.wait_for(5, self.patience)) == list(range(5))

    def test_fct_is_right_inside(self, environment: Environment, notes: Notes) -> None:
        """The current task is the one that was pushed."""
        task = self.task(environment, lambda x: notes.add((x, fct.task_id, fct.queue_name)))
        pushed = {(n, task.push(n).task_id, "q") for n in range(5)}
        task.consume()
        seen = set(notes.wait_for(5, self.patience))
        assert seen == pushed, f"fct said {seen - pushed} for {pushed - seen}"

    def test_hooks_fire_in_their_order(self, environment: Environment, notes: Notes) -> None:
        """Those of other brokers, all of them."""

        class Plugin:
            @hookimpl
            def funboost_admit(self, delivery: Any, task: Any) -> None:
                notes.add("admit")

            @hookimpl
            def funboost_before_execute(self, delivery: Any, task: Any) -> None:
                notes.add("before")

            @hookimpl
            def funboost_around_execute(self, task: Any) -> Any:
                def wrap(call: Any) -> Any:
                    def wrapped(**arguments: Any) -> Any:
                        notes.add("around")
                        return call(**arguments)

                    return wrapped

                return wrap

            @hookimpl
            def funboost_after_execute(self, delivery: Any, task: Any, outcome: Any) -> None:
                notes.add(f"after {outcome.result}")

            @hookimpl
            def funboost_judge(self, delivery: Any, task: Any, outcome: Any) -> None:
                notes.add("judge")

            @hookimpl
            def funboost_before_ack(self, delivery: Any, task: Any, verdict: Any) -> None:
                notes.add("before ack")

            @hookimpl
            def funboost_after_ack(self, delivery: Any, task: Any, verdict: Any) -> None:
                notes.add("after ack")

        task = self.task(environment, lambda x: x + 1, hooks=[Plugin()])
        task.push(1)
        task.consume()
        told = ["admit", "before", "around", "after 2", "judge", "before ack", "after ack"]
        assert notes.wait_for(len(told), self.patience) == told

    def test_results_reach_who_waits(self, environment: Environment) -> None:
        """Those of runs that failed, too."""

        def half(x: int) -> int:
            if x % 2:
                raise ValueError("odd")
            return x // 2

        task = self.task(environment, half, is_using_rpc_mode=True, max_retry_times=0)
        task.consume()
        good, bad = task.push(8), task.push(7)
        good.set_timeout(self.patience)
        bad.set_timeout(self.patience)
        assert good.result == 4
        assert bad.is_success() is False

    def test_pausing_holds_it(self, environment: Environment, notes: Notes) -> None:
        """Until it goes on, nothing starts."""
        task = self.task(environment, lambda x: notes.add(x))
        task.consume()
        task.push(1)
        notes.wait_for(1, self.patience)
        task.pause_consume()
        task.push(2)
        self.watch(lambda: notes.seen != [1])
        assert notes.seen == [1], "a message was run while the queue was paused"
        task.continue_consume()
        assert notes.wait_for(2, self.patience) == [1, 2]

    def test_qps_is_kept(self, environment: Environment, notes: Notes) -> None:
        """By the engine or by the core."""
        task = self.task(environment, lambda x: notes.add(environment.clock.monotonic()), qps=20)
        task.push(0)
        task.consume()
        notes.wait_for(1, self.patience)  # it runs; and however late some of the others are, the last is not early
        begun = environment.clock.monotonic()
        task.push_many([{"x": n} for n in range(1, 21)])
        took = max(notes.wait_for(21, self.patience)) - begun
        assert took >= 0.8, f"20 runs at 20 a second started within {took:.3f} s"

    @needs(Capability.PRIORITY)
    @owns("concurrent_num")
    def test_higher_priority_runs_first(self, environment: Environment, notes: Notes) -> None:
        """Of what waits for the only worker."""
        from funboost_core import TaskOptions

        task = self.task(environment, lambda x: notes.add(x), concurrent_num=1)
        for n in range(4):
            task.publish({"x": n}, options=TaskOptions(priority=n + 1))
        task.consume()
        assert notes.wait_for(4, self.patience) == [3, 2, 1, 0]

    @pytest.mark.parametrize("how", ["countdown", "eta"])
    def test_nothing_runs_before_it_is_due(self, environment: Environment, notes: Notes, how: str) -> None:
        """By the engine's own delay or by the core's."""
        import datetime

        from funboost_core import TaskOptions

        clock = environment.clock
        task = self.task(environment, lambda x: notes.add((x, clock.time())))
        task.consume()
        for seconds in (1.2, 5.0, 15.0):  # longer where the machine was too slow to run "now" before the other was due
            notes.seen.clear()
            due = clock.time() + seconds
            eta = datetime.datetime.fromtimestamp(due, datetime.timezone.utc)
            options = TaskOptions(countdown=seconds) if how == "countdown" else TaskOptions(eta=eta)
            task.publish({"x": "later"}, options=options)
            task.push("now")
            notes.wait_for(2, self.patience)
            moments = dict(notes.seen)
            early = due - (1.0 if how == "eta" else 0.0) - moments["later"]  # an eta has whole seconds
            assert early <= 0.01, f"it ran {early:.3f} s too early"
            if notes.seen[0][0] == "now":
                return
        raise AssertionError("what was due waited for what was not")
