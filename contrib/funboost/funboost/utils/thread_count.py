"""How many threads this process has, said again and again."""

from __future__ import annotations

import logging
import os
import threading
import time

logger: logging.Logger = logging.getLogger("funboost.threads")


def show_current_threads_num(
    sleep_time: float = 60, process_name: str = "", block: bool = False, daemon: bool = True
) -> None:
    """Log the number of threads of this process now and every `sleep_time` seconds.

    Args:
        sleep_time: seconds in between.
        process_name: what to call the process.
        block: do it here and never return; otherwise on a thread.
        daemon: whether that thread lets the process end.
    """

    def show() -> None:
        while True:
            logger.info("Process %s %s has %s threads.", os.getpid(), process_name, threading.active_count())
            time.sleep(sleep_time)

    if block:
        show()
    threading.Thread(target=show, name="funboost-thread-count", daemon=daemon).start()
