"""Schedulers in several processes that are killed again and again; every fire must have run exactly once."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from programs import Program

SCHEDULES = 8
TASK = """
import sys
from funboost_core import hookimpl
from funboost_core.ports.scheduler import Schedule

class Slow:
    "Publishing takes a while, so that kills hit schedulers that have published and not noted it yet."
    @hookimpl
    def funboost_after_publish(self, message):
        note("publishing", os.getpid())
        note("published", message.task_id)
        time.sleep(0.02)

@boost(BoosterParams(queue_name="q", hooks=[Slow()]))
def work(x):
    note("ran", fct.task_id)

schedulers = default().schedulers
scheduler = schedulers.open("apscheduler", work, "STORE")
"""
ADD = (
    TASK
    + f"""
for number in range({SCHEDULES}):
    scheduler.add(Schedule(str(number), {{"kind": "interval", "seconds": 1}}, (number,), coalesce=False))
"""
)
SCHEDULE = (
    TASK
    + """
scheduler.start()
note("scheduler", os.getpid())
threading.Event().wait()
"""
)
CONSUME = (
    TASK
    + """
work.consume()
note("consumer")
"""
)
PAUSE = (
    TASK
    + """
for schedule in scheduler.all():
    scheduler.pause(schedule.id)
"""
)
COUNT = (
    TASK
    + """
print(work.get_message_count())
"""
)


def play(
    folder: Path, seconds: float, every: float, store: str = "sqlite", copies: int = 0, **settings: Any
) -> dict[str, Any]:
    """Three schedulers for `seconds`, one of them killed and replaced every `every` seconds; what came of it.

    On a busy machine it takes longer: until about two thirds of the planned kills and fires have happened.  Where so many
    `copies` are to be dropped, each second kill is aimed at who has just published and not noted it yet.
    """
    program = Program(folder, **settings)
    scripts = (text.replace("STORE", store) for text in (ADD, CONSUME, SCHEDULE, PAUSE, COUNT))
    add, consume, schedule, pause, count = scripts
    try:
        program.run(add, name="add.py")
        program.start(consume, name="consume.py")
        running = [program.start(schedule, name="schedule.py") for _ in range(3)]
        _until(lambda: _noted(folder, "scheduler"), "a scheduler starts")
        end, kills = time.monotonic() + seconds, 0

        def enough() -> bool:
            fires = len(set(_noted(folder, "ran")))
            published = _noted(folder, "published")
            return (
                time.monotonic() > end
                and kills >= 0.6 * seconds / every
                and fires > 0.65 * seconds * SCHEDULES
                and len(published) - len(set(published)) >= copies
            )

        while not enough():
            assert time.monotonic() < end + 60, f"only {kills} kills and {len(_noted(folder, 'ran'))} runs"
            time.sleep(random.uniform(0.5, 1.5) * every)
            victim = _publishing(folder, running) if copies and kills % 2 else running[0]
            victim.kill()
            running.remove(victim)
            victim.communicate()
            kills += 1
            running.append(program.start(schedule, name="schedule.py"))
        _until_lease_is_over(folder)
        program.run(pause, name="pause.py")
        for process in running:
            process.kill()
            process.communicate()
        _until(lambda: program.run(count, name="count.py").split()[-1] == "0", "the queue is empty")
        # who is killed right after it has published does not note it any more
        _until(lambda: set(_noted(folder, "published")) <= set(_noted(folder, "ran")), "all that was published ran")
    finally:
        program.close()
    return judge(_noted(folder, "published"), _noted(folder, "ran"), kills)


def in_redis(place: Any) -> dict[str, Any]:
    """Settings for messages, state and jobs in a Redis server."""
    return {
        "REDIS_URL": place.url,
        "NAMESPACE": place.namespace,
        "BROKER_KIND": "REDIS_ACK_ABLE",
        "STATE_URL": "redis://",
    }


def judge(published: list[str], ran: list[str], kills: int) -> dict[str, Any]:
    """Count what was lost (a second of a schedule without a run between two with one) and what ran twice."""
    seconds: dict[str, set[int]] = {}
    for task_id in ran:
        _, schedule, moment = task_id.split(":", 2)
        seconds.setdefault(schedule, set()).add(_second(moment))
    lost = sum(max(found) - min(found) + 1 - len(found) for found in seconds.values())
    return {
        "kills": kills,
        "schedules": len(seconds),
        "fires": len(set(ran)),
        "lost": lost,
        "ran twice": sum(count > 1 for count in Counter(ran).values()),
        "copies dropped": len(published) - len(set(published)),
    }


def _second(moment: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp())


def _noted(folder: Path, word: str) -> list[str]:
    return [line.split(" ", 1)[1] for line in Program(folder).log() if line.startswith(f"{word} ")]


def _publishing(folder: Path, running: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """The one that has just begun to publish."""
    known, by_pid = len(_noted(folder, "publishing")), {str(process.pid): process for process in running}
    _until(lambda: len(_noted(folder, "publishing")) > known, "one publishes", 0.002)
    return by_pid[_noted(folder, "publishing")[-1]]


def _until_lease_is_over(folder: Path) -> None:
    """What the last victims had claimed is fired by the others: every schedule has fired anew."""
    before = Counter(task_id.split(":", 2)[1] for task_id in _noted(folder, "ran"))

    def anew() -> bool:
        now = Counter(task_id.split(":", 2)[1] for task_id in _noted(folder, "ran"))
        return all(now[str(number)] >= before[str(number)] + 2 for number in range(SCHEDULES))

    _until(anew, "every schedule has fired again")


def _until(condition: Any, what: str, pause: float = 0.05) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"it did not happen that {what}"
        time.sleep(pause)
