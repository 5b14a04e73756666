"""Publishing a long list of calls by several processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from funboost_core import bootstrap
from funboost_core.errors import PublishError
from funboost_core.ports.capability import Capability

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from funboost_core.booster import Booster

    AnyBooster = Booster[Any, Any, Any]

Calls = Sequence[Mapping[str, Any]]
BATCH = 1000


def publish_all(booster: AnyBooster, calls: Calls, process_num: int) -> None:
    """Push each of `calls`, shared out between `process_num` processes; returns when all are published.

    Raises:
        CapabilityMissing: the broker keeps its queue within one process.
        PublishError: a process failed; what it had published by then stays.
    """
    processes = min(process_num, -(-len(calls) // BATCH))  # a batch each at least
    if bootstrap.muted or processes <= 1 or not bootstrap.importable(booster.consuming_function):
        _push(booster, calls)
        return
    booster.task.need(Capability.CROSS_PROCESS, "multi_process_pub_params_list", "Use push_many.")
    from multiprocessing import get_context

    context, module = get_context("spawn"), booster.consuming_function.__module__
    started = []
    for number in range(processes):
        name = f"{bootstrap.NAME}{booster.queue_name}-push"
        done, tell = context.Pipe(duplex=False)
        share = (booster.queue_name, module, calls[number::processes], tell)
        process = context.Process(target=_child, args=share, name=name)
        with bootstrap.marked():
            process.start()
        tell.close()
        started.append((process, done))
    failed = [process for process, done in started if not _has_told(process, done)]
    if failed:
        raise PublishError(
            queue=booster.queue_name, error=f"{len(failed)} of {processes} processes failed, see their output"
        )


def _has_told(process: Any, done: Connection) -> bool:
    """Wait for its end; whether it has published all.  The exit code may be known only to another thread that reaped it."""
    process.join()
    with done:
        try:
            return done.poll(0) and bool(done.recv())
        except EOFError:
            return False


def _push(booster: AnyBooster, calls: Calls) -> None:
    for start in range(0, len(calls), BATCH):
        booster.push_many(calls[start : start + BATCH])


def _child(queue_name: str, module: str, calls: Calls, tell: Connection) -> None:
    task = bootstrap.imported(queue_name, module)
    booster = task.environment.registry[queue_name]
    _push(booster, calls)
    booster.close()
    tell.send(True)
