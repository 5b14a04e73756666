"""Makes rare orders frequent: threads and processes stand still for moments, where a busy machine might stop them.

``tox -e amplified`` runs all tests like that, ``tox -e amplified -- FILE`` some.  A test that fails there and nowhere else
takes an order or a speed for granted that nobody has promised, or has met a fault of the product.  Set AMPLIFY_THREADS
(default ``0.1 0.1``) and AMPLIFY_PROCESSES (``0.5 0.3``): about each so many seconds, for up to so many seconds; ``0 0``
switches one off.

Not before Python 3.12: traced, 3.11 loops for ever when an exception is thrown into a thread that does not take it.
"""

from __future__ import annotations

import os
import subprocess
import sys

import stalls


def pytest_runtest_setup():
    stalls.start()


def pytest_configure(config):
    if hasattr(config, "workerinput") or not sys.platform.startswith("linux"):
        return
    environment = {name: text for name, text in os.environ.items() if name != "AMPLIFY"}
    stopper = subprocess.Popen(
        [sys.executable, stalls.__file__, str(os.getpid())], env=environment, stdin=subprocess.PIPE
    )
    config.add_cleanup(stopper.communicate)
