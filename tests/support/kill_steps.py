"""Consumers that kill themselves right before, within and after each step of the broker."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from kill_log import MARKS, Log
from kill_stories import KILL, Feeder, end
from programs import Program

METHODS = ("turn", "riding", "fetch", "ack", "requeue", "retry", "dead_letter")
"""Steps: fetching at once, the same with acknowledgements, fetching after a wait, acknowledging, giving back, and the
two kinds of forwarding."""
MOMENTS = ("before", "within", "committed", "after")
"""Within: all statements are executed and nothing is committed.  Committed: the first transaction is."""
LAST = 4
"""The last message, which comes after the others."""
ODD = 2
"""The message that asks for another turn, fails, or is the one whose settling is interrupted."""

STEPS = (
    MARKS
    + '''
from funboost_broker_sqlite_queue.database import Transaction
from funboost_core import DeadLetterTask, RequeueTask
from funboost_core.consuming.settling import Settler

QUEUES, ODD = sys.argv[2].split(","), int(sys.argv[3])
ended = []

def make(name):
    method = name.partition(".")[0]

    @boost(BoosterParams(queue_name=name, concurrent_num=1, max_retry_times=1, retry_interval=0.01))
    def f(x):
        before = (HERE / "log").read_text().count(f"begin {name}:{x} ")
        mark("begin", f"{name}:{x}")
        if x == ODD:
            if method == "requeue" and not before:
                raise RequeueTask()
            if method == "retry" and not fct.full_msg["extra"].get("run_times"):
                raise ValueError("fails once")
            if method == "dead_letter":
                raise DeadLetterTask()
        mark("end", f"{name}:{x}")
        ended.append(x)

    return f

def inject(method, moment):
    """Be killed at that moment of that method."""
    real = {"riding": "turn", "retry": "forward", "dead_letter": "forward"}.get(method, method)
    original, leave = getattr(Broker, real), Transaction.__exit__
    armed = []
    arming = []  # the thread: the maintenance thread has transactions of its own

    def due(subject):
        if method in ("turn", "fetch"):
            return bool(ended)
        if method == "ack":
            return any(delivery.arguments["x"] == ODD for delivery in subject)
        return bool(subject)

    def die():
        broker, subject = armed
        queue = broker.context.queue
        for delivery in subject if isinstance(subject, (list, tuple)) else ():
            mark("risked", f"{queue}:{delivery.arguments['x']}")
        mark("killed", queue)
        os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(self, subject, *args):
        if due(subject):
            armed[:] = self, [subject] if real == "forward" else subject
            arming[:] = [threading.get_ident()]
            if moment == "before":
                die()
            mark("armed", self.context.queue)
        result = original(self, subject, *args)
        if armed and moment == "after" and (result or method not in ("turn", "fetch")):
            die()
        return result

    def leaving(self, *error):
        mine = arming == [threading.get_ident()]
        if mine and moment == "within":
            die()
        leave(self, *error)
        if mine and moment == "committed":
            die()

    setattr(Broker, real, wrapped)
    Transaction.__exit__ = leaving
    # however fast the tasks are: acknowledge each at once, or let them ride on the next fetch
    Settler.eager = property(lambda self: method != "riding", lambda self, eager: None)

tasks = {name: make(name) for name in QUEUES}
if sys.argv[1] == "victims":
    parent = os.getpid()
    for name, f in tasks.items():
        if not os.fork():
            inject(*name.split("."))
            f.consume()
            while os.getppid() == parent:
                time.sleep(0.1)
            os._exit(1)
    for _ in tasks:
        mark("status", os.waitstatus_to_exitcode(os.wait()[1]))
else:
    for f in tasks.values():
        f.consume()
'''
)


def steps(folder: Path, pool: str, methods: tuple[str, ...] = METHODS) -> dict[str, Any]:
    """Each consumer is killed at its step; then one comes that consumes all their queues."""
    program, feeder = Program(folder, pool), Feeder(folder)
    log = Log(program)
    queues = [f"{method}.{moment}" for method in methods for moment in MOMENTS]
    dead = [queue for queue in queues if queue.startswith("dead_letter")]
    arguments = (",".join(queues), str(ODD))
    try:
        program.start(STEPS, args=("victims", *arguments))
        log.wait(lambda: len(log.find("up")) == len(queues))
        for queue in queues:
            feeder.booster(queue).push_many([{"x": number} for number in range(LAST)])
        for queue in queues:  # a fetch that waits has to get something
            if queue.startswith("fetch.") and queue != "fetch.before":
                log.wait(lambda queue=queue: any(event.x == queue for event in log.find("armed")))
            feeder.booster(queue).push_many([{"x": LAST}])
        log.wait(lambda: len(log.find("status")) == len(queues))
        assert sorted(event.x for event in log.find("killed")) == sorted(queues), "each met its step"
        survivor = program.start(STEPS, args=("survivor", *arguments), name="survivor.py")
        expected = {f"{queue}:{number}" for queue in queues for number in range(LAST + 1)}
        expected -= {f"{queue}:{ODD}" for queue in dead}
        log.wait(lambda: {event.x for event in log.find("end")} >= expected)
        log.wait(lambda: all(feeder.booster(f"{queue}_dlx").get_message_count() for queue in dead))
        end(survivor)
        letters = [message["x"] for queue in dead for message in feeder.take_all(f"{queue}_dlx")]
    finally:
        program.close()
        feeder.close()
    assert {event.x for event in log.find("status")} == {str(-KILL)}
    assert letters == [ODD] * len(dead), "each dead letter is there once"
    assert feeder.leftovers() == {}
    again, risked = _again(log), {event.x for event in log.find("risked")}
    assert again == {x for x in risked if x.split(":")[0].endswith(("before", "within")) and "requeue" not in x}
    return {"steps": len(queues), "lost": 0, "ran again": len(again)}


def _again(log: Log) -> set[str]:
    """What ran more often than was asked for; a message that was given back or retried runs twice."""
    runs = Counter(event.x for event in log.find("begin"))
    twice = {f"{method}.{moment}:{ODD}" for method in ("requeue", "retry") for moment in MOMENTS}
    extra = {x: count - (2 if x in twice else 1) for x, count in runs.items()}
    assert set(extra.values()) <= {0, 1}, extra
    return {x for x, count in extra.items() if count}
