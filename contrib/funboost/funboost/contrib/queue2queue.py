"""Moving all messages of a queue into another one, also of another broker: dead letters back to work, for example.

Each message is published to the target, then acknowledged at the source: never lost, twice after a crash in between.
Bodies move to the byte, `extra` included; only dead letters become what they were, without the reason.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable

from funboost_core import bootstrap, hookimpl
from funboost_core.booster import Booster
from funboost_core.context import current
from funboost_core.environment import Environment, default
from funboost_core.errors import ConfigError, RequeueTask
from funboost_core.message import as_bytes, priority_of
from funboost_core.native import Thread
from funboost_core.params import BoosterParams
from funboost_core.ports.broker import Outgoing
from funboost_core.ports.capability import Capability
from funboost_core.redrive import restore
from funboost_core.task import Task

from ..aliases import QUEUE2QUEUE
from ..keep_alive import wait_for_possible_has_finish_all_tasks_by_consumer_list
from ..lazy import exporter

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from ..aliases import *  # noqa: F403

FINISHED, ALL_FINISHED = 888, 999
"""Exit codes of the two functions (POSIX shows their lowest eight bits: 120 and 231)."""
IDLE_MINUTES = 2.0
"""A source that has been empty for so long is finished."""
_DRAIN = 60.0

Transfer = tuple[str, str, str, str]
"""Source queue, its broker, target queue, its broker."""

_pipes: list[Any] = []  # child processes drain when these close


def consume_and_push_to_another_queue(
    source_queue: str,
    source_broker_kind: str,
    target_queue: str,
    target_broker_kind: str,
    log_level: int = 10,
    exit_script_when_finish: bool = False,
    *,
    log_level_int: int | None = None,
) -> None:
    """Move what is in the source queue, and what comes, to the target queue; returns at once.

    Args:
        source_queue: the queue to empty.
        source_broker_kind: its broker.
        target_queue: where its messages go.
        target_broker_kind: the broker of that.
        log_level: of the source queue's logger; `log_level_int` is the same.
        exit_script_when_finish: wait until the source has been empty for two minutes, then end the process with exit
            code 888.

    Raises:
        ValueError: source and target are the same.

    Example::

        consume_and_push_to_another_queue("q_dlx", BrokerEnum.SQLITE_QUEUE, "q", BrokerEnum.SQLITE_QUEUE)
    """
    environment = default()
    transfer = (source_queue, source_broker_kind, target_queue, target_broker_kind)
    booster = relay(transfer, log_level if log_level_int is None else log_level_int, environment)
    if exit_script_when_finish:
        booster.task.need(Capability.COUNT, "exit_script_when_finish", "Leave it out.")
    booster.consume()
    if exit_script_when_finish and not bootstrap.muted:
        booster.wait_for_possible_has_finish_all_tasks(IDLE_MINUTES)
        environment.worker.stop()
        os._exit(FINISHED)


def multi_process_queue2queue(
    source_target_list: Sequence[Sequence[str]],
    log_level: int = 10,
    exit_script_when_finish: bool = False,
    n: int = 1,
    *,
    log_level_int: int | None = None,
) -> None:
    """Move several queues, in `n` child processes each of which works on all of them; returns at once.

    Args:
        source_target_list: ``[source_queue, source_broker_kind, target_queue, target_broker_kind]`` for each.
        log_level: of the source queues' loggers; `log_level_int` is the same.
        exit_script_when_finish: wait until all sources have been empty for two minutes, then end the process with exit
            code 999.
        n: how many processes.

    Raises:
        ValueError: a source is its own target, or an entry has not four elements.
        CapabilityMissing: a source cannot be shared by processes.

    Example::

        if __name__ == "__main__":
            multi_process_queue2queue([["a", "REDIS", "b", "REDIS"]], exit_script_when_finish=True, n=6)
    """
    environment, level = default(), log_level if log_level_int is None else log_level_int
    transfers = [_four(entry) for entry in source_target_list]
    boosters = [relay(transfer, level, environment) for transfer in transfers]
    for booster in boosters:
        booster.task.need(Capability.CROSS_PROCESS, "multi_process_queue2queue", "Move it within one process.")
        if exit_script_when_finish:
            booster.task.need(Capability.COUNT, "exit_script_when_finish", "Leave it out.")
    if bootstrap.muted:
        return
    processes = [_start(transfers, level) for _ in range(n)]
    if exit_script_when_finish:
        sources: Any = boosters
        wait_for_possible_has_finish_all_tasks_by_consumer_list(sources, IDLE_MINUTES)
        _let_go()
        for process in processes:
            process.join(_DRAIN)
        os._exit(ALL_FINISHED)


def relay(transfer: Transfer, log_level: int, environment: Environment) -> Booster[[], None, None]:
    """The task that moves messages of the source, whatever they are, to the target.

    Raises:
        ValueError: source and target are the same.
        CapabilityMissing: the target cannot be published to.
    """
    source_queue, source_kind, target_queue, target_kind = transfer
    target = Task(BoosterParams(queue_name=target_queue, broker_kind=target_kind), None, environment)
    target.need(Capability.PUBLISH, "moving messages there", "Choose another target.")
    objects, ranked = Capability.OBJECTS in target.capabilities, Capability.PRIORITY in target.capabilities
    outlet = target.make_broker()

    def move() -> None:
        body: Any = restore(current.get().body)
        try:
            priority = priority_of(body) if ranked else 0
            outlet.publish([Outgoing(body if objects and isinstance(body, dict) else as_bytes(body), priority)])
        except Exception as error:  # it stays at the source
            raise RequeueTask(f"{target_queue} does not take it: {type(error).__name__}: {error}") from error

    params = BoosterParams(
        queue_name=source_queue,
        broker_kind=source_kind,
        concurrent_mode="threading",
        log_level=log_level,
        max_deliveries=None,
        hooks=[_AsItIs()],
    )
    booster: Booster[[], None, None] = Booster(params, move, environment)
    if (source_queue, booster.task.spec.kind) == (target_queue, target.spec.kind):
        outlet.close()
        raise ConfigError(f"{source_queue!r} of {target.spec.kind} is both source and target; give two queues.")
    return booster


class _AsItIs:
    """No message is read: neither can one be refused, nor do its controls act while it is moved."""

    @hookimpl
    def funboost_convert_message(self) -> dict[str, Any]:
        return {}


def _four(entry: Sequence[str]) -> Transfer:
    if len(entry) != 4:
        raise ConfigError(f"{entry!r} is not [source_queue, source_broker_kind, target_queue, target_broker_kind].")
    return (entry[0], entry[1], entry[2], entry[3])


def _start(transfers: list[Transfer], log_level: int) -> Any:
    from multiprocessing import get_context

    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(transfers, log_level, reader), name="funboost-queue2queue")
    try:
        with bootstrap.marked():
            process.start()
    finally:
        reader.close()
    _pipes.append(writer)
    return process


def _let_go() -> None:
    """Let the child processes drain.  The end of a pipe alone says so too, unless another process has a copy of ours."""
    while _pipes:
        end = _pipes.pop()
        with suppress(OSError):  # it is gone
            end.send(None)
        end.close()


def _child(transfers: list[Transfer], log_level: int, parent: Connection) -> None:
    bootstrap.unmute()
    environment = default()
    worker = environment.worker
    for transfer in transfers:
        relay(transfer, log_level, environment).consume()

    def watch() -> None:
        try:
            parent.recv()
        except (EOFError, OSError):
            pass
        worker.stop()

    Thread(target=watch, name="funboost-parent", daemon=True).start()
    while worker.active:
        try:
            worker.wait(1.0)
        except (KeyboardInterrupt, SystemExit):  # the signal handler has begun to drain
            continue


__getattr__: Callable[[str], Any] = exporter(__name__, QUEUE2QUEUE)
