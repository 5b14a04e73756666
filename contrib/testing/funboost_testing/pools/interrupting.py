"""Runs that are ended early: at their deadline, or by an order to kill."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from funboost_core import Environment, TaskOptions
from funboost_core.consuming import cancelling, kills

from ..topics import proves
from .base import PoolBase


class InterruptingTests(PoolBase):
    """A run that waits is reached where it waits, and only the one that is meant; a `TaskPool` does it by `interrupter`."""

    @pytest.fixture(autouse=True)
    def _patiently(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run that has been reached, and gets no processor to end on, is not to be given up meanwhile."""
        monkeypatch.setattr(cancelling, "GRACE", self.patience / 4)

    @proves("interrupting")
    def test_a_run_that_is_late_is_ended_where_it_waits(self, environment: Environment, shape: str) -> None:
        """Not given up: its ``finally`` has run by the time its result is told, and its slot is free."""
        began: list[int] = []
        ended: list[int] = []

        def late(x: int) -> Generator[None, None, int]:
            try:
                began.append(x)
                while x >= 0:
                    yield
            finally:
                ended.append(x)
            return x

        task = self.task(
            environment, shape, late, function_timeout=0.2, max_retry_times=1, is_using_rpc_mode=True, concurrent_num=2
        )
        task.consume()
        for x in range(2):
            status = task.push(x).set_timeout(self.patience).status_and_result
            assert status is not None, "a run that was late had no result"
            assert (status["exception_type"], status["run_times"]) == ("TaskTimeout", 2)
            # on a busy machine a run may be late before it has come to its first line
            assert len(ended) >= len(began), "the runs were given up, not ended: nothing was thrown into them"
            assert len(ended) <= 2 * (x + 1), "a run that was ended ran once more"
        assert began, "no run began within its time"
        (consumer,) = environment.worker.consumers()
        assert consumer.describe()["abandoned"] == 0
        quick = task.publish({"x": -1}, options=TaskOptions(function_timeout=self.patience))
        assert quick.set_timeout(self.patience).result == -1
        assert environment.worker.stop()

    @proves("interrupting")
    def test_only_the_one_that_is_late_is_ended(self, environment: Environment, shape: str) -> None:
        """The others go on as if nothing had happened."""
        go: list[bool] = []

        def wait(x: int) -> Generator[None, None, int]:
            while not (go and x):
                yield
            return x

        task = self.task(environment, shape, wait, max_retry_times=0, is_using_rpc_mode=True, concurrent_num=5)
        late = task.publish({"x": 0}, options=TaskOptions(function_timeout=0.3))
        others = [task.push(x) for x in range(1, 9)]
        task.consume()
        status = late.set_timeout(self.patience).status_and_result
        self.watch()
        go.append(True)
        statuses = [other.set_timeout(self.patience).status_and_result for other in others]
        results = [None if one is None else one["result"] for one in statuses]
        assert results == list(range(1, 9)), f"the deadline of one run ended others: {results}"
        assert status is not None, "a run that was late had no result"
        assert status["exception_type"] == "TaskTimeout"
        assert environment.worker.stop()

    @proves("interrupting")
    def test_a_run_that_ends_about_its_deadline_has_one_end(
        self, environment: Environment, shape: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It has succeeded or is late; what is thrown reaches neither the next run nor the framework."""
        caplog.set_level(60, "funboost.q")  # which puts back at the end what the task's log_level sets, too
        runs: dict[int, int] = {}

        def close(x: int) -> Generator[None, None, int]:
            runs[x] = runs.get(x, 0) + 1
            for _ in range(8):
                yield
            return x

        task = self.task(
            environment,
            shape,
            close,
            function_timeout=0.02,
            max_retry_times=0,
            is_using_rpc_mode=True,
            concurrent_num=5,
            log_level=60,
        )
        results = [task.push(x) for x in range(100)]
        task.consume()
        statuses: list[Any] = [result.set_timeout(self.patience).status_and_result for result in results]
        wrong = [status for status in statuses if not (status["success"] or status["exception_type"] == "TaskTimeout")]
        assert not wrong, f"{wrong[0]['exception']}"
        assert max(runs.values()) == 1, "a run was begun again"
        unrun = [x for x, status in enumerate(statuses) if status["success"] and x not in runs]
        assert not unrun, f"{unrun} count as done and were never run"  # who is late may not have come to begin
        assert task.get_message_count() == 0
        assert environment.worker.stop()

    @proves("interrupting")
    def test_a_run_that_is_killed_is_ended_where_it_waits(self, environment: Environment, shape: str) -> None:
        """By an order from any program that has the same state."""
        began: list[int] = []
        ended: list[int] = []

        def wait(x: int) -> Generator[None, None, None]:
            try:
                began.append(x)
                while True:
                    yield
            finally:
                ended.append(x)

        task = self.task(
            environment, shape, wait, is_support_remote_kill_task=True, is_using_rpc_mode=True, concurrent_num=2
        )
        result = task.push(1)
        task.consume()
        self.until("it runs", lambda: began)
        kills.order(environment, "q", result.task_id)
        status = result.set_timeout(self.patience).status_and_result
        assert status is not None, "a run that was killed had no result"
        assert status["exception_type"] == "TaskKilled"
        assert began == ended == [1], "the run was given up, not ended: nothing was thrown into it"
        assert environment.worker.stop()
