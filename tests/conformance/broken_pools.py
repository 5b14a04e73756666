"""Pools that are wrong in one way each, and what the suite must say of them; read like `broken_brokers`."""

from __future__ import annotations

import contextvars

from funboost_pool_asyncio.pool import Asyncio
from funboost_pool_threading.pool import Threads

from funboost_core import ConfigError, PoolSpec, hookimpl
from funboost_core.native import Event, Thread
from funboost_core.outcome import Outcome
from funboost_core.signature import is_coroutine


def each(test: str, *shapes: str) -> tuple[str, ...]:
    return tuple(f"{test}[{shape}]" for shape in shapes or ("def", "async def"))


def errors(name: str, *shapes: str) -> tuple[str, ...]:
    kinds = ("ValueError", "SystemExit", "KeyboardInterrupt", "GeneratorExit")
    return tuple(test for kind in kinds for test in each(name, *(f"{shape}-{kind}" for shape in shapes)))


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
    also = each("test_a_failed_run_is_run_again", "def")

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
    also = each("test_a_failed_run_is_run_again", "async def")

    def submit(self, deliveries, run, finished):
        def told(delivery, outcome):
            finished(delivery, Outcome(outcome.result, None, outcome.started, outcome.ended, outcome.runs))

        super().submit(deliveries, run, told)


class ForgetsResults(BrokenLoop):
    names = each("test_what_is_returned_comes_back", "async def")
    also = (
        *errors("test_an_exception_becomes_a_failed_run", "async def"),
        *each("test_a_failed_run_is_run_again", "async def"),
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


BROKEN = {
    cls.__name__: cls
    for cls in vars().copy().values()
    if isinstance(cls, type) and cls.__module__ == __name__ and cls.names
}


@hookimpl
def funboost_pools():
    return [PoolSpec(name, cls, (cls.__doc__ or name).strip()) for name, cls in BROKEN.items()]
