"""One run: arguments, result, errors, context; and which functions a mode runs at all."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from funboost_core import ConfigError, Environment, fct

from ..topics import proves
from .base import PoolBase, names, real_threads

_ERRORS = [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit]


class RunningTests(PoolBase):
    """What the function of a task sees, and what becomes of what it returns or raises."""

    @proves("results")
    def test_what_is_returned_comes_back(self, environment: Environment, shape: str) -> None:
        """Falsy and nested values too."""

        def echo(x: Any) -> Generator[None, None, Any]:
            yield
            return x

        task = self.task(environment, shape, echo, is_using_rpc_mode=True)
        task.consume()
        values: list[Any] = [1, None, 0, "", [], {"a": [1, {"b": "ä"}]}]
        for value in values:
            assert task.push(value).set_timeout(self.patience).result == value
        assert environment.worker.stop()

    @proves("errors")
    @pytest.mark.parametrize("error", _ERRORS, ids=lambda error: error.__name__)
    def test_an_exception_becomes_a_failed_run(
        self, environment: Environment, shape: str, error: type[BaseException]
    ) -> None:
        """It ends neither the worker nor the process, and is not taken for a success."""

        def fail(x: int) -> Generator[None, None, int]:
            yield
            if x < 0:
                raise error("no")
            return x

        task = self.task(environment, shape, fail, max_retry_times=0, is_using_rpc_mode=True, concurrent_num=2)
        task.consume()
        for x in range(5):
            status = task.push(-1).set_timeout(self.patience).status_and_result
            assert status is not None, f"{error.__name__} ended the run without any result"
            assert not status["success"], f"{error.__name__} was swallowed: the run counts as a success"
            assert error.__name__ in str(status["exception"])
            assert task.push(x).set_timeout(self.patience).result == x, f"{error.__name__} ended a worker"
        assert environment.worker.stop()

    @proves("errors")
    def test_a_failed_run_is_run_again(self, environment: Environment, shape: str) -> None:
        """As often as the task says."""
        runs: list[int] = []

        def fail(x: int) -> Generator[None, None, int]:
            runs.append(x)
            yield
            if len(runs) < 3:
                raise SystemExit(3)
            return x

        task = self.task(environment, shape, fail, max_retry_times=3, is_using_rpc_mode=True)
        task.consume()
        assert task.push(7).set_timeout(self.patience).result == 7
        assert runs == [7, 7, 7]
        assert environment.worker.stop()

    @proves("context")
    def test_each_run_has_its_own_context(self, environment: Environment, shape: str) -> None:
        """`fct` tells every run about itself, also while others run and after it has waited."""
        seen: list[tuple[int, Any, Any]] = []
        go: list[bool] = []

        def look(x: int) -> Generator[None, None, None]:
            before = fct.task_id
            for _ in range(20):
                yield
                if go:
                    break
            seen.append((x, before, fct.task_id))

        task = self.task(environment, shape, look, concurrent_num=10, max_retry_times=0)
        ids = {x: task.push(x).task_id for x in range(20)}
        task.consume()
        self.until("all have run with a context", lambda: len(seen) == 20)
        wrong = [x for x, before, after in seen if not before == after == ids[x]]
        assert not wrong, f"the context of another run was seen in {wrong}"
        with pytest.raises(LookupError):
            _ = fct.task_id
        assert environment.worker.stop()

    @proves("shapes")
    @pytest.mark.parametrize("kind", ["def", "async def"])
    def test_what_the_mode_cannot_run_is_refused(self, environment: Environment, kind: str) -> None:
        """When the task starts to consume, with the name of the function and before any thread is started."""

        def strange(x: int) -> Generator[None, None, None]:
            yield

        before = real_threads()
        task = self.task(environment, kind, strange)
        if kind in self.runs:
            task.consume()
            assert environment.worker.stop()
            return
        with pytest.raises(ConfigError, match="function"):
            task.consume()
        left = real_threads() - before
        assert not left, f"threads were started for a function that is refused: {names(left)}"

    @proves("queues")
    def test_several_queues_are_worked_off_at_once(self, environment: Environment, shape: str) -> None:
        """Each in a pool of its own: one that is busy does not keep the others from working."""
        held: list[int] = []
        done: list[int] = []

        def hold(x: int) -> Generator[None, None, None]:
            held.append(x)
            while len(done) < 10:
                yield

        def quick(x: int) -> Generator[None, None, None]:
            yield
            done.append(x)

        busy = self.task(environment, shape, hold, "busy", concurrent_num=2)
        free = self.task(environment, shape, quick, "free", concurrent_num=2)
        busy.push_many([{"x": n} for n in range(4)])
        busy.consume()
        free.consume()
        self.until("the first queue's tasks run", lambda: held)
        free.push_many([{"x": n} for n in range(10)])
        self.until("the second queue is worked off meanwhile", lambda: len(done) == 10)
        self.until("the first queue is worked off", lambda: len(held) == 4)
        assert environment.worker.stop()
