"""Which line works a task's messages off: a crew in a pool of threads, or a dispatch to a pool that only calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from ..errors import ConfigError
from ..ports.pool import Adapted, Pool, PoolContext, TaskPool, ThreadPool
from ..records import resolve
from .crew import Crew
from .dispatch import Dispatch
from .executor import ExecutorPool
from .inline import Inline, InlinePool
from .permits import Permits

if TYPE_CHECKING:
    from ..outcome import Outcome
    from ..ports.broker import Delivery
    from ..task import Task
    from .fetching import Intake
    from .line import Line
    from .settling import Settler

Adapt = Callable[[Adapted], Adapted]


def make_pool(task: Task) -> tuple[Pool, Adapt]:
    """The pool of a task, and how it calls a function.

    Raises:
        ConfigError: the function or this process does not fit the concurrency mode.
    """
    params, kind = task.params, task.pool_spec.kind
    factory = resolve(task.pool_spec.factory)
    context = PoolContext(
        params.concurrent_num,
        f"funboost-{task.queue_name}",
        params.specify_async_loop,
        params.is_auto_start_specify_async_loop_in_child_thread,
    )
    assert task.function is not None
    if isinstance(factory, type) and issubclass(factory, Pool):
        factory.check(task.function)  # before it starts anything
    pool = factory(context)
    if isinstance(pool, ThreadPool):
        if params.specify_concurrent_pool is not None:
            return ExecutorPool(context, params.specify_concurrent_pool), pool.adapt
        return pool, pool.adapt
    if not isinstance(pool, TaskPool):
        raise ConfigError(f"The pool {kind} is neither a ThreadPool nor a TaskPool.")
    if params.specify_concurrent_pool is not None:
        pool.close()
        raise ConfigError(
            f"Queue {task.queue_name!r}: specify_concurrent_pool needs a concurrency mode that uses threads, not {kind!r}."
        )
    return pool, lambda function: function


def make_line(
    task: Task, pool: Pool, intake: Intake, settler: Settler, conclude: Callable[[Delivery, Outcome], bool]
) -> Line:
    """The line of a task in its pool."""
    clock = task.environment.clock
    if isinstance(pool, InlinePool):
        return Inline(intake, settler, conclude)
    if isinstance(pool, ThreadPool):
        return Crew(pool, intake, settler, conclude, clock, task.environment.worker.hurry)
    assert isinstance(pool, TaskPool)
    permits = pool.permits() if isinstance(pool, ExecutorPool) else Permits(pool.limit)
    return Dispatch(pool, permits, intake, settler, conclude, clock)
