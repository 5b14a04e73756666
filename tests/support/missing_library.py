"""A program in which a client library is not installed."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import json, sys
sys.modules[sys.argv[2]] = None
from funboost_core import BoosterParams, Environment, boost
@boost(BoosterParams(queue_name="q", broker_kind=sys.argv[1]), environment=Environment(json.loads(sys.argv[3])))
def f(x): ...
f.push(1)
"""


def told_without(library, kind, folder, **settings):
    """What the program says last when it publishes."""
    given = {"CONCURRENT_MODE": "threading", "DATA_DIR": str(folder), **settings}
    command = [sys.executable, "-c", _PROGRAM, kind, library, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
    return done.stderr.strip().splitlines()[-1]
