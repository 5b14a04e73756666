"""What a spawned child must not repeat: while it imports the main module again, publishing and consuming are muted.

The top level of a script belongs to the parent; a child only needs the functions that it defines.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable

from .native import Lock

if TYPE_CHECKING:
    from .task import Task

MARK = "FUNBOOST_CHILD_OF"
"""Environment variable set while a child process starts: its parent's process id."""

NAME = "funboost-"
"""What the names of our child processes begin with."""


def _is_child() -> bool:
    """Whether this is the start of a child of ours; not of any other process that was started at the same moment."""
    if os.environ.get(MARK) != str(os.getppid()):
        return False
    process = sys.modules.get("multiprocessing.process")
    named = process is not None and process.current_process().name.startswith(NAME)
    return named or "--multiprocessing-fork" in sys.argv  # a frozen program imports first and is named then


muted: bool = _is_child()
"""True in a child process until its main module has been imported."""


def unmute() -> None:
    """The child's imports are done."""
    global muted
    muted = False
    os.environ.pop(MARK, None)


_marking = Lock()


def _forked() -> None:
    """In a forked child: it may have been forked within the block below, and has no children yet."""
    global _marking
    _marking = Lock()
    os.environ.pop(MARK, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """A process that is started within the block is a child of ours."""
    with _marking:  # the environment is that of the whole process
        os.environ[MARK] = str(os.getpid())
        try:
            yield
        finally:
            os.environ.pop(MARK, None)


def importable(function: Callable[..., Any]) -> bool:
    """Whether a spawned process finds `function` by importing its module."""
    main = sys.modules.get("__main__")
    nameless = (
        function.__module__ == "__main__" and not getattr(main, "__file__", None) and not getattr(sys, "frozen", False)
    )
    return not nameless and "<locals>" not in function.__qualname__


def imported(queue_name: str, module: str | None) -> Task:
    """In a child: the task of a queue, once the module of its function has been imported (None: it was forked).

    Raises:
        QueueUnknown: that module declares no such task.
    """
    from importlib import import_module

    from .environment import every
    from .errors import QueueUnknown

    if module is not None:
        if module not in sys.modules:
            import_module(module)
        unmute()
    for environment in every():
        if queue_name in environment.registry:
            return environment.registry[queue_name].task
    raise QueueUnknown(queue=queue_name, known="none after importing its module")


def refuse(what: str, queue: str) -> Any:
    """Say what is not done because this is the import of a child process."""
    import logging

    logging.getLogger("funboost.worker").warning(
        "%s of queue %r at the top level of the main module is left to the parent process. "
        "Put it under `if __name__ == '__main__':`.",
        what,
        queue,
    )
