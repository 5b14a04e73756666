"""A program that consumes and is killed: settings as JSON, the file for its notes, options as JSON.

Beside the notes it writes a line whenever the group takes it for dead, which may happen to a program that does not get
its turn.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

from funboost_core import BoosterParams, Environment, boost

settings, notes, options = json.loads(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
environment = Environment(settings)
out, losses = (os.open(notes + end, os.O_WRONLY | os.O_APPEND | os.O_CREAT) for end in ("", ".lost"))


class Losses(logging.Handler):
    def emit(self, record):
        if record.getMessage().endswith("are lost"):
            os.write(losses, b"lost\n")


logging.getLogger("funboost").addHandler(Losses())


def note(x):
    os.write(out, b"%d\n" % x)
    if x < 0:
        os._exit(9)
    time.sleep(0.002)


params = BoosterParams(queue_name="q", broker_exclusive_config=options, concurrent_num=8, max_deliveries=3)
boost(params, environment=environment)(note).consume()
time.sleep(600)
