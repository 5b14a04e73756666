"""What the programs here share: plugins, tasks, and waiting that lets the hub run.  Import after `patch_first`."""

import faulthandler
import importlib
import sys
import threading
import time

from funboost_core import BoosterParams, ConfigError, boost, default, register_plugin  # noqa: F401

LIBRARY = sys.argv[1]

faulthandler.dump_traceback_later(45, exit=True)  # a dead-lock shows where it is

for name in ("funboost_broker_memory_queue", "funboost_store_memory", f"funboost_pool_{LIBRARY}"):
    register_plugin(importlib.import_module(f"{name}.plugin"))
environment = default()
environment.settings.values.update(
    BROKER_KIND="MEMORY_QUEUE", CONCURRENT_MODE=LIBRARY, STATE_URL="memory://", DRAIN_SECONDS=30
)


def spawn(function, *args):
    """A greenlet, by the patched standard library."""
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


def task(function, queue, **params):
    """`function` on a queue of its own."""
    return boost(BoosterParams(queue_name=queue, **params))(function)


def until(condition, seconds=30):
    """Wait for something that nobody announces, cooperatively."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


def say(*what):
    """A line for the test."""
    print(*what, flush=True)


def play(scenes):
    """Run the scene that the command line names."""
    scenes[sys.argv[2]]()
    say("played")
