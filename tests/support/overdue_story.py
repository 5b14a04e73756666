"""A consumer that is killed while a run of it is abandoned, or goes on in a process of its own: ``MODE`` says which."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from funboost_core import BoosterParams, Environment, boost

HERE = Path(os.environ["STORY"])
environment = Environment(
    {"BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "sqlite://", "DATA_DIR": str(HERE)}
)
ISOLATED = os.environ.get("MODE") == "isolated"


@boost(
    BoosterParams(
        queue_name="overdue",
        function_timeout=None if ISOLATED else 0.1,
        isolation="process" if ISOLATED else None,
        max_retry_times=1000,  # however long the test takes to look
        concurrent_num=1,
    ),
    environment=environment,
)
def work(x: int) -> None:
    with (HERE / "runs").open("a") as file:
        file.write(f"{os.getpid()}\n")
    if not (HERE / "calm").exists():
        time.sleep(600)
    (HERE / "done").write_text(str(x))


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        work.push(7)
    else:
        work.consume()
        while True:
            time.sleep(0.05)
            (consumer,) = environment.worker.consumers()
            (HERE / "abandoned").write_text(str(consumer.describe()["abandoned"]))
            if os.environ.get("FORKS") and (HERE / "runs").exists() and not (HERE / "forked").exists():
                copy = os.fork()
                if not copy:
                    time.sleep(600)
                (HERE / "forked").write_text(f"{copy}\n")
