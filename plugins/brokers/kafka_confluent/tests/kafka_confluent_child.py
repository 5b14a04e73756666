"""A program that consumes and is killed: settings as JSON, the file for its notes, options as JSON."""

from __future__ import annotations

import json
import os
import sys
import time

from funboost_core import BoosterParams, Environment, boost

settings, notes, options = json.loads(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
environment = Environment(settings)
out = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(x):
    os.write(out, b"%d\n" % x)
    if x < 0:
        os._exit(9)
    time.sleep(0.002)


params = BoosterParams(queue_name="q", broker_exclusive_config=options, concurrent_num=8, max_deliveries=3)
boost(params, environment=environment)(note).consume()
time.sleep(600)
