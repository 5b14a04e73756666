"""`nb_print`: print with the time and the place it was called from."""

from __future__ import annotations

import sys
import time
from typing import Any

from .console import colours


def nb_print(*args: Any, sep: str = " ", end: str = "\n", file: Any = None, flush: bool = True) -> None:
    """Print, with the time and a clickable place in front, in colour on a terminal.

    Args:
        *args: what is printed, as by `print`, whose `sep`, `end`, `file` and `flush` these are.
        sep: between them.
        end: after them.
        file: where to; `sys.stdout` if None.
        flush: whether the stream is flushed.

    Example::

        nb_print("x is", x)  # 12:00:00 "/app/shop.py:7" x is 5
    """
    stream = sys.stdout if file is None else file
    caller = sys._getframe(1)
    place = f'{time.strftime("%H:%M:%S")} "{caller.f_code.co_filename}:{caller.f_lineno}"'
    if colours(stream):
        place = f"\033[34m{place}\033[0m"
    print(place, sep.join(map(str, args)), end=end, file=stream, flush=flush)
