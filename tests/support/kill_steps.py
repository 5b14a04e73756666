"""Consumers that kill themselves right before, within and after each step of the broker."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from kill_log import MARKS, Log
from kill_stories import Feeder, end
from programs import Program

METHODS = ("turn", "riding", "fetch", "ack", "requeue", "retry", "dead_letter")
"""Steps: fetching at once, the same with acknowledgements, fetching after a wait, acknowledging, giving back, and the
two kinds of forwarding."""
MOMENTS = ("before", "within", "after")
"""Within: all statements are executed and not committed."""
MESSAGES = 5
ODD = 2
"""The message that asks for another turn, fails, or is the one whose settling is interrupted."""

STEPS = (
    MARKS
    + '''
from funboost_broker_sqlite_queue.database import Transaction
from funboost_core import DeadLetterTask, RequeueTask

METHODS, MOMENTS, ODD = eval(sys.argv[1]), eval(sys.argv[2]), int(sys.argv[3])
ended = []

def odd(method, seen):
    """What the odd message does; `seen` times it has run before."""
    if method == "requeue" and not seen:
        raise RequeueTask()
    if method == "retry" and not fct.full_msg["extra"].get("run_times"):
        raise ValueError("fails once")
    if method == "dead_letter":
        raise DeadLetterTask()

def make(method, moment):
    name = f"{method}.{moment}"

    @boost(BoosterParams(queue_name=name, max_retry_times=1, retry_interval=0.01, is_print_detail_exception=False))
    def f(x):
        seen = (HERE / "log").read_text().count(f"begin {name}:{x} ")
        mark("begin", f"{name}:{x}")
        if method == "riding":
            time.sleep(0.006)
        elif x == ODD:
            odd(method, seen)
        mark("end", f"{name}:{x}")
        ended.append(x)

    return f

def inject(method, moment):
    """Be killed at that moment of that method."""
    real = {"riding": "turn", "retry": "forward", "dead_letter": "forward"}.get(method, method)
    original, leave = getattr(Broker, real), Transaction.__exit__
    armed = []

    def due(deliveries):
        if method == "riding":
            return bool(deliveries)
        if method == "ack":
            return any(delivery.arguments["x"] == ODD for delivery in deliveries)
        return method not in ("turn", "fetch") or bool(ended)

    def die(self):
        mark("killed", self.context.queue)
        os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(self, *args):
        if due(args[0]):
            armed.append(self)
        if armed and moment == "before":
            die(self)
        result = original(self, *args)
        if armed and moment == "after" and not (method == "fetch" and not result):
            die(self)
        return result

    def leaving(self, *error):
        if armed and moment == "within":
            die(armed[0])
        return leave(self, *error)

    setattr(Broker, real, wrapped)
    Transaction.__exit__ = leaving
    if method == "riding":
        from funboost_core.consuming import fetching
        fetching.FAST = -1.0  # no rate is slow: acknowledgements ride on the next fetch

tasks = {(method, moment): make(method, moment) for method in METHODS for moment in MOMENTS}
if sys.argv[4] == "victims":
    for (method, moment), f in tasks.items():
        if not os.fork():
            inject(method, moment)
            f.consume()
            mark("up")
            while True:
                time.sleep(1)
    for _ in tasks:
        mark("status", os.waitstatus_to_exitcode(os.wait()[1]) if hasattr(os, "waitstatus_to_exitcode") else -9)
else:
    for f in tasks.values():
        f.consume()
    mark("up")
'''
)


def steps(folder: Path, pool: str, methods: tuple[str, ...] = METHODS) -> dict[str, Any]:
    """Each consumer is killed at its step; then one comes that consumes all their queues."""
    program, feeder, log = Program(folder, pool), Feeder(folder), Log(folder)
    queues = [f"{method}.{moment}" for method in methods for moment in MOMENTS]
    arguments = (repr(methods), repr(MOMENTS), str(ODD))
    try:
        program.start(STEPS, args=(*arguments, "victims"))
        log.wait(lambda: len(log.find("up")) == len(queues))
        for queue in queues:
            feeder.booster(queue).push_many([{"x": number} for number in range(MESSAGES)])
        for _ in range(60):
            if len(log.find("killed")) == len(queues):
                break
            _nudge(log, feeder, queues)
        log.wait(lambda: len(log.find("status")) == len(queues))
        assert {event.x for event in log.find("status")} == {"-9"}
        assert sorted(event.x for event in log.find("killed")) == sorted(queues), "each met its step"
        survivor = program.start(STEPS, args=(*arguments, "survivor"), name="survivor.py")
        expected = {f"{queue}:{number}" for queue in queues for number in range(MESSAGES)} - {
            f"dead_letter.{moment}:{ODD}" for moment in MOMENTS
        }
        log.wait(lambda: {event.x for event in log.find("end")} >= expected)
        if "dead_letter" in methods:
            log.wait(lambda: all(feeder.booster(f"dead_letter.{m}_dlx").get_message_count() == 1 for m in MOMENTS))
        end(survivor)
        dead = {m: feeder.take_all(f"dead_letter.{m}_dlx") for m in MOMENTS if "dead_letter" in methods}
    finally:
        program.close()
        feeder.close()
    assert [len(found) for found in dead.values()] == [1] * len(dead), "each dead letter is there once"
    assert feeder.leftovers() == {}
    return {"steps": len(queues), "lost": 0, "ran again": _compare(log, queues)}
