"""What a spawned child must not repeat: while it imports the main module again, publishing and consuming are muted.

The top level of a script belongs to the parent; a child only needs the functions that it defines.
"""

from __future__ import annotations

import os
from typing import Any

MARK = "FUNBOOST_CHILD_OF"
"""Environment variable set while a child process starts: its parent's process id."""

muted: bool = os.environ.get(MARK) == str(os.getppid())
"""True in a child process until its main module has been imported."""


def unmute() -> None:
    """The child's imports are done."""
    global muted
    muted = False
    os.environ.pop(MARK, None)


def refuse(what: str, queue: str) -> Any:
    """Say what is not done because this is the import of a child process."""
    import logging

    logging.getLogger("funboost.worker").warning(
        "%s of queue %r at the top level of the main module is left to the parent process. "
        "Put it under `if __name__ == '__main__':`.",
        what,
        queue,
    )
