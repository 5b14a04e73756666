"""What happens to Redis servers and to consumers that stop; `tests/flows` tells it briefly, `tests/chaos` at length."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kill_log import MARKS, Log, dice
from kill_stories import end
from worlds import World

from funboost_core import BrokerUnavailable

WORKER = (
    MARKS
    + """
options = {sys.argv[3]: float(sys.argv[2])} if sys.argv[2] != "-" else {}

@boost(BoosterParams(queue_name="q", concurrent_num=int(sys.argv[1]), broker_exclusive_config=options))
def f(x, s=0):
    mark("begin", x)
    if s:
        time.sleep(s)
    mark("end", x)

f.consume()
"""
)


def restarts(folder: Path, world: World, server: Any, times: int) -> dict[str, Any]:
    """The server is killed and started again, again and again, while two programs consume and the test publishes."""
    chance, sure, unsure, number = dice("restarts"), set(), set(), 0
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)

    def publish(seconds: float) -> None:
        nonlocal number
        end_of_this = time.monotonic() + seconds
        while time.monotonic() < end_of_this:
            names = {str(n) for n in range(number, number + 20)}
            number += 20
            try:
                feeder.booster().push_many([{"x": name, "s": 0.001} for name in names])
                sure.update(names)
            except BrokerUnavailable:
                unsure.update(names)  # whether it was published nobody knows

    try:
        consumers = [program.start(world.script(WORKER), args=("4", "-")) for _ in range(2)]
        log.wait(lambda: len(log.find("up")) >= 2)
        for _ in range(times):
            publish(chance.uniform(0.05, 0.3))
            server.kill()
            publish(chance.uniform(0, 0.2))
            server.start()
            before = len(log.find("end"))
            publish(0.05)
            log.wait(lambda before=before: len(log.find("end")) > before)
        log.wait(lambda: {event.x for event in log.find("end")} >= sure, 60)
        log.wait(lambda: feeder.booster().get_message_count() == 0, 60)
        for process in consumers:
            end(process)
        ran = Counter(event.x for event in log.find("end"))
        left = feeder.leftovers()
    finally:
        program.close()
        feeder.close()
    assert ran.keys() <= sure | unsure
    assert not log.find("back"), "nobody was taken for dead because the server was away"
    assert left == {}
    again = {x for x, count in ran.items() if count > 1}
    assert len(again) <= 3 * times, f"ran twice: {sorted(again)[:20]}"
    return {"restarts": times, "messages": len(sure), "lost": 0, "ran twice": len(again), "unsure": len(unsure)}


def frozen(folder: Path, world: World, times: int) -> dict[str, Any]:
    """A consumer is stopped for longer than its lease; when it goes on it settles nothing that was given away."""
    lease = 1.0
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)
    try:
        survivor = program.start(world.script(WORKER), args=("2", str(lease), "lease_seconds"))
        victim = program.start(world.script(WORKER), args=("4", str(lease), "lease_seconds"))
        log.wait(lambda: len(log.find("up")) >= 2)
        for number in range(times):
            begun = len(log.find("begin", victim.pid))
            feeder.push([0.3] * 12)
            log.wait(lambda begun=begun: len(log.find("begin", victim.pid)) > begun)
            os.kill(victim.pid, signal.SIGSTOP)
            log.wait(lambda number=number: len(log.find("back")) > number)
            os.kill(victim.pid, signal.SIGCONT)
            log.wait(lambda: {event.x for event in log.find("end")} >= feeder.pushed)
            log.wait(lambda: feeder.booster().get_message_count() == 0)
            # what ended first may have been given away, and its second run must not meet the next stop
            log.wait(lambda: len(log.find("begin")) == len(log.find("end")))
        for process in (survivor, victim):
            end(process)
        ran = Counter(event.x for event in log.find("begin"))
        left = feeder.leftovers()
        held = {event.x for event in log.find("begin", victim.pid)}
    finally:
        program.close()
        feeder.close()
    again = {x for x, count in ran.items() if count > 1}
    assert again <= held, "only what the stopped one was running"
    assert max(ran.values()) <= 2
    assert left == {}
    return {"stops": times, "messages": len(feeder.pushed), "lost": 0, "ran twice": len(again)}


def timed(folder: Path, world: World, times: int) -> dict[str, Any]:
    """Consumers are killed while they run tasks; what they held comes back when its time is up, and nothing else does."""
    chance, timeout = dice("timed"), 2.0
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)
    killed: dict[int, float] = {}
    try:
        survivor = program.start(world.script(WORKER), args=("4", str(timeout), "ack_timeout"))
        log.wait(lambda: log.find("up", survivor.pid))
        for _ in range(times):
            victim = program.start(world.script(WORKER), args=("4", str(timeout), "ack_timeout"))
            log.wait(lambda pid=victim.pid: log.find("up", pid))
            feeder.push([0.02] * 60)
            log.wait(lambda pid=victim.pid: log.find("begin", pid) or len(log.find("end")) >= len(feeder.pushed))
            time.sleep(chance.uniform(0, 0.05))
            killed[victim.pid] = time.monotonic()
            victim.kill()
            victim.wait()
        log.wait(lambda: {event.x for event in log.find("end")} >= feeder.pushed, 60)
        log.wait(lambda: feeder.booster().get_message_count() == 0, 60)
        end(survivor)
        left = feeder.leftovers()
    finally:
        program.close()
        feeder.close()
    runs = Counter(event.x for event in log.find("begin"))
    again = {x for x, count in runs.items() if count > 1}
    first = {event.x: event for event in reversed(log.find("begin")) if event.pid in killed}
    assert again <= first.keys(), "what the survivor ran came again"
    waits = [
        event.time - first[event.x].time
        for event in log.find("begin", survivor.pid)
        if event.x in again and runs[event.x] == 2 and first[event.x].time < event.time
    ]
    assert left == {}
    assert again, "nobody was killed while it ran something: the story proves nothing"
    assert not waits or min(waits) > 0.9 * timeout - 0.1, "it came before its time"
    return {
        "kills": times,
        "messages": len(feeder.pushed),
        "lost": 0,
        "ran twice": len(again),
        "back after, time-outs, greatest": round(max(waits, default=0) / timeout, 2),
    }
