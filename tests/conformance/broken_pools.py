"""Pools that are wrong in one way each, and what the suite must say of them; read like `broken_brokers`."""

from __future__ import annotations

import contextvars
from functools import partial
from time import monotonic

from funboost_pool_asyncio.pool import Asyncio
from funboost_pool_threading.pool import Threads

from funboost_core import ConfigError, PoolSpec, hookimpl
from funboost_core.consuming.interrupting import ThreadInterrupter, thrower
from funboost_core.native import Event, Thread, get_ident, sleep
from funboost_core.outcome import Outcome
from funboost_core.ports.pool import Interrupter, TaskPool
from funboost_core.signature import is_coroutine


def each(test: str, *shapes: str) -> tuple[str, ...]:
    return tuple(f"{test}[{shape}]" for shape in shapes or ("def", "async def"))


def errors(name: str, *shapes: str) -> tuple[str, ...]:
    kinds = ("ValueError", "SystemExit", "KeyboardInterrupt", "GeneratorExit")
    return tuple(test for kind in kinds for test in each(name, *(f"{shape}-{kind}" for shape in shapes)))


def interrupted(shape: str) -> tuple[str, ...]:
    """All that need errors and contexts as they are."""
    where = (
        "is_late_is_ended_where_it_waits",
        "is_killed_is_ended_where_it_waits",
        "ends_about_its_deadline_has_one_end",
    )
    named = (*(f"test_a_run_that_{one}" for one in where), "test_only_the_one_that_is_late_is_ended")
    return tuple(test for name in named for test in each(name, shape))


class BrokenThreads(Threads):
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    runs = ("def",)  # half the tests

    @classmethod
    def check(cls, function):
        if is_coroutine(function):
            raise ConfigError("a coroutine function")


class BrokenLoop(Asyncio):
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    runs = ("async def",)


class ExceedsTheLimit(BrokenThreads):
    """One more than allowed."""

    names = each("test_the_limit_is_reached_and_never_exceeded", "def")
    also = (
        *each("test_the_limit_can_be_raised_and_lowered", "def"),
        *each("test_idle_threads_end", "def"),
        *each("test_stopping_finishes_what_runs_and_starts_nothing", "def"),
    )

    def __init__(self, context):
        super().__init__(context)
        self.limit += 1


class StaysBelowTheLimit(BrokenLoop):
    """Runs a batch one after the other."""

    names = each("test_the_limit_is_reached_and_never_exceeded", "async def")
    also = (
        *each("test_the_limit_can_be_raised_and_lowered", "async def"),
        *each("test_stopping_finishes_what_runs_and_starts_nothing", "async def"),
    )

    def _begin(self, deliveries, run, finished):
        async def all_of_them():
            for delivery in deliveries:
                finished(delivery, await run(delivery))

        task = self._loop.create_task(all_of_them())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class NeverResizes(BrokenThreads):
    names = each("test_the_limit_can_be_raised_and_lowered", "def")

    def resize(self, limit):
        pass


class SwallowsExceptions(BrokenThreads):
    """What a function raises counts as None."""

    names = errors("test_an_exception_becomes_a_failed_run", "def")
    also = (*each("test_a_failed_run_is_run_again", "def"), *interrupted("def"))

    def adapt(self, function):
        def call(**arguments):
            try:
                return function(**arguments)
            except BaseException:
                return None

        return call


class SwallowsOutcomes(BrokenLoop):
    """The same in a pool that is told outcomes."""

    names = errors("test_an_exception_becomes_a_failed_run", "async def")
    also = (*each("test_a_failed_run_is_run_again", "async def"), *interrupted("async def"))

    def submit(self, deliveries, run, finished):
        def told(delivery, outcome):
            finished(delivery, Outcome(outcome.result, None, outcome.started, outcome.ended, outcome.runs))

        super().submit(deliveries, run, told)


class ForgetsResults(BrokenLoop):
    names = each("test_what_is_returned_comes_back", "async def")
    also = (
        *errors("test_an_exception_becomes_a_failed_run", "async def"),
        *each("test_a_failed_run_is_run_again", "async def"),
        *interrupted("async def"),
    )

    def submit(self, deliveries, run, finished):
        def told(delivery, outcome):
            finished(delivery, Outcome(None, outcome.error, outcome.started, outcome.ended, outcome.runs))

        super().submit(deliveries, run, told)


class LeaksThreads(BrokenThreads):
    """A thread that has nothing to do any more stays."""

    names = (*each("test_idle_threads_end", "def"), *each("test_closing_releases_the_threads", "def"))

    def start(self, work):
        def life():
            work()
            Event().wait()

        Thread(target=life, name=f"{self.context.name}-leak", daemon=True).start()


class StartsAllThreads(BrokenThreads):
    """As many as could be needed, at once."""

    names = each("test_threads_are_started_only_on_need", "def")
    also = each("test_idle_threads_end", "def")

    def __init__(self, context):
        super().__init__(context)
        self._end = Event()
        for _ in range(min(context.limit, 50)):
            Thread(target=self._end.wait, daemon=True).start()

    def close(self):
        self._end.set()


class LosesTheContext(BrokenThreads):
    """Calls the function in a context of its own."""

    names = each("test_each_run_has_its_own_context", "def")
    also = interrupted("def")

    def adapt(self, function):
        return lambda **arguments: contextvars.Context().run(lambda: function(**arguments))


class RefusesNothing(BrokenLoop):
    """Takes plain functions, and blocks its loop with them."""

    names = ("test_what_the_mode_cannot_run_is_refused[def]",)

    @classmethod
    def check(cls, function):
        pass


class LeaksTheLoop(BrokenLoop):
    names = each("test_closing_releases_the_threads", "async def")

    def close(self):
        pass


class BrokenTaskPool(TaskPool):
    """A thread for each message, about which the core knows nothing: it relies on `interrupter`."""

    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    runs = ("def",)
    check = BrokenThreads.check

    def submit(self, deliveries, run, finished):
        for delivery in deliveries:
            work = partial(self._work, delivery, run, finished)
            Thread(target=work, name=f"{self.context.name}-run", daemon=True).start()

    def _work(self, delivery, run, finished):
        finished(delivery, run(delivery))

    def interrupter(self):
        return ThreadInterrupter(thrower())

    def close(self):
        pass


class ReachesNobody(BrokenTaskPool):
    """Nothing is thrown into a run that is to end."""

    names = (
        *each("test_a_run_that_is_late_is_ended_where_it_waits", "def"),
        *each("test_a_run_that_is_killed_is_ended_where_it_waits", "def"),
    )

    def interrupter(self):
        return None


class ReachesAnother(BrokenTaskPool):
    """What is thrown arrives in another run."""

    names = each("test_only_the_one_that_is_late_is_ended", "def")
    also = (
        *each("test_a_run_that_ends_about_its_deadline_has_one_end", "def"),
        *each("test_a_run_that_is_late_is_ended_where_it_waits", "def"),
    )

    def __init__(self, context):
        super().__init__(context)
        self._running = []

    def _work(self, delivery, run, finished):
        self._running.append(ThreadInterrupter(thrower()))
        super()._work(delivery, run, finished)

    def interrupter(self):
        return _Last(self._running)


class _Last(Interrupter):
    """The run that began last; another one, if one begins within a few seconds."""

    def __init__(self, running):
        self._running = running
        self._own = next(run for run in reversed(running) if run._ident == get_ident())
        self._reached = None

    def enter(self):
        self._own.enter()

    def leave(self):
        self._own.leave()

    def throw(self, claim):
        end = monotonic() + 5
        while self._running[-1] is self._own and monotonic() < end:
            sleep(0.001)
        self._reached = self._running[-1]
        self._reached.throw(claim)

    def absorb(self):
        while self._reached is None:
            sleep(0.001)


BROKEN = {
    cls.__name__: cls
    for cls in vars().copy().values()
    if isinstance(cls, type) and cls.__module__ == __name__ and getattr(cls, "names", ())
}


@hookimpl
def funboost_pools():
    return [PoolSpec(name, cls, (cls.__doc__ or name).strip()) for name, cls in BROKEN.items()]
