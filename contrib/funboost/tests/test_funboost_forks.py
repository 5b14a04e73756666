"""A child that is forked while other threads of its parent hold the locks of modules."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys, threading, warnings
from importlib import import_module

warnings.simplefilter("ignore")  # that there are threads is the point
where, _, name = sys.argv[1].partition(":")
lock = getattr(import_module(where), name)
held, go = threading.Event(), threading.Event()

def hold():
    with lock():
        held.set()
        go.wait()

threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    os._exit(0 if lock().acquire(blocking=False) else 1)
_, status = os.waitpid(child, 0)
print("in the child:", status, "here:", lock().acquire(blocking=False))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(
    "lock",
    [
        "funboost.concurrent_pool.pool_commons:_lock",
        "funboost.configuration.generate:_lock",
        "funboost.contrib.save_result_status_to_sqldb:_one_at_a_time",
        "funboost.logs.equip:_lock",
        "funboost.logs.files:_lock",
        "funboost.timing_job.timing_job_base:_one_at_a_time",
    ],
)
def test_the_locks_of_the_parent_s_threads_are_free(lock):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, lock], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout == "in the child: 0 here: False\n", done.stderr
