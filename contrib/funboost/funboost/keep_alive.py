"""Keeping the main thread while tasks run in the background."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from funboost_core import bootstrap
from funboost_core.environment import default
from funboost_core.native import SimpleQueue, Thread

if TYPE_CHECKING:
    from funboost_core.worker import Worker

    from .overriding.consumer import AbstractConsumer

logger: logging.Logger = logging.getLogger("funboost.worker")

_LOOK = 0.2
_PATIENCE = 3
KILLED = 44
"""Exit code of a process that Ctrl-C ended at once."""


def ctrl_c_recv() -> None:
    """Block until everything that consumes in this process has ended.

    The first Ctrl-C lets running tasks end and gives back what has not started; the third ends the process at once
    with exit code 44.  Where nothing has consumed yet, it waits for that, or for Ctrl-C.
    """
    if bootstrap.muted:  # a child process imports the script of its parent
        return
    worker = default().worker
    interrupts = _Interrupts(worker)
    interrupts.catch()
    try:
        begun = worker.begun
        while worker.active or not (begun or interrupts.count):
            begun = worker.begun  # before `active` is asked again: what has begun may have ended since the last look
            if worker.wait(_LOOK):
                time.sleep(_LOOK)
    finally:
        interrupts.release()


class _Interrupts:
    """Counts Ctrl-C while the main thread waits here."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._before: Any = None
        self._told: SimpleQueue[int] = SimpleQueue()  # its put may be used in a handler; logging may not
        self.count = 0

    def catch(self) -> None:
        if threading.current_thread() is threading.main_thread():
            Thread(target=self._tell, name="funboost-ctrl-c", daemon=True).start()
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)

    def release(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._told.put(0)

    def _on_interrupt(self, number: int, frame: Any) -> None:
        self.count += 1
        if self.count >= _PATIENCE:
            os._exit(KILLED)
        self._told.put(self.count)

    def _tell(self) -> None:
        for count in iter(self._told.get, 0):
            logger.warning(
                "Ctrl-C: running tasks may end; press it %s more to end this process at once.",
                "once" if count == _PATIENCE - 1 else "twice",
            )
            if count == 1:  # afterwards, or a short drain could end the process before it has said so
                Thread(target=self._worker.stop, name="funboost-drain", daemon=True).start()


def run_forever() -> None:
    """Sleep for ever."""
    while not bootstrap.muted:
        time.sleep(24 * 3600)


def wait_for_possible_has_finish_all_tasks_by_consumer_list(
    consumer_list: Iterable[AbstractConsumer], minutes: float = 3
) -> None:
    """Block until every queue has been empty, and nothing of it has run, for `minutes`.

    Args:
        consumer_list: consumers, ``f.consumer``, or functions themselves.
        minutes: more than 0.
    """
    failures: list[BaseException] = []

    def wait(consumer: AbstractConsumer) -> None:
        try:
            consumer.wait_for_possible_has_finish_all_tasks(minutes)
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=wait, args=(consumer,), daemon=True) for consumer in consumer_list]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
