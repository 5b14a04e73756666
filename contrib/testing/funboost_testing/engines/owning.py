"""What an engine owns it does; what it does not own, and nobody can do there, is refused."""

from __future__ import annotations

import threading

import pytest

from funboost_core import ConfigError, Environment
from funboost_core.checks import IN_ENGINES, inert
from funboost_core.records import BrokerSpec

from ..brokers.working import Notes
from ..topics import skip
from .base import EngineSuite, owns

_VALUES = {"concurrent_num": 7, "is_auto_start_specify_async_loop_in_child_thread": True}


class EngineOwningTests(EngineSuite):
    """Parameters of the task against `owns`."""

    @pytest.mark.parametrize("name", IN_ENGINES)
    def test_what_is_set_and_not_owned_is_refused(
        self, environment: Environment, spec: BrokerSpec, name: str, request: pytest.FixtureRequest
    ) -> None:
        """By name, at the first use of the broker; where it is not set it means nothing, and `inert` says so."""
        assert spec.owns is not None
        if name in spec.owns:
            skip(request, f"{self.kind} owns {name}")
        task = self.task(environment, lambda x: None, **{name: _VALUES.get(name, object())})
        with pytest.raises(ConfigError, match=name):
            task.push(1)
        with pytest.raises(ConfigError, match=name):
            task.consume()
        assert name in inert(self.task(environment, lambda x: None, queue_name="plain").task)

    @owns("concurrent_num")
    @pytest.mark.parametrize("number", [1, 3])
    def test_concurrent_num_is_the_number_of_workers(self, environment: Environment, number: int) -> None:
        """So many at once, and never more."""
        notes, meeting, crowded = Notes(), threading.Barrier(number), threading.Event()
        inside: set[int] = set()

        def meet(x: int) -> None:
            inside.add(x)
            notes.add(len(inside))
            if len(inside) > number:
                crowded.set()
            meeting.wait(self.patience)  # broken where fewer run at once
            crowded.wait(self.quiet)  # time for one too many
            inside.discard(x)

        task = self.task(environment, meet, concurrent_num=number, max_retry_times=0)
        task.push_many([{"x": n} for n in range(2 * number)])
        task.consume()
        notes.wait_for(2 * number, self.patience)
        assert environment.worker.stop()
        assert not meeting.broken, f"concurrent_num is {number}, but so many never ran at once"
        assert max(notes.seen) <= number, f"concurrent_num is {number}, but {max(notes.seen)} ran at once"

    def test_modes_that_are_not_threads_are_refused(self, environment: Environment) -> None:
        """The engine's workers call the function, nobody else."""
        from funboost_core import PoolSpec, TaskPool, hookimpl

        class Greens(TaskPool):
            def submit(self, deliveries: object, run: object, finished: object) -> None:
                """Never called."""

            def close(self) -> None:
                """Nothing to release."""

        class Plugin:
            @hookimpl
            def funboost_pools(self) -> list[PoolSpec]:
                return [PoolSpec("greens", Greens)]

        environment.manager.register(Plugin())
        task = self.task(environment, lambda x: None, concurrent_mode="greens")
        with pytest.raises(ConfigError, match="greens"):
            task.consume()
        assert not environment.worker.consumers()
