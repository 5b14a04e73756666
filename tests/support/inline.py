"""Working off a queue in the test's own thread."""

from __future__ import annotations

from funboost_core.consuming.consumer import Consumer
from funboost_core.consuming.inline import InlinePool


def work_off(task):
    """Take and run what is in the queue of a task, until nothing comes."""
    consumer = Consumer(task, InlinePool())
    consumer.start()
    try:
        while consumer.line.turn():
            pass
    finally:
        consumer.stop()
        consumer.release()
