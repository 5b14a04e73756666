"""What happens to Redis servers and to consumers that stop; `tests/flows` tells it briefly, `tests/chaos` at length."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable

from funboost_testing.services import Server
from funboost_testing.services.redis_groups import ask
from kill_log import MARKS, Log, dice
from kill_stories import end
from worlds import RedisWorld, World

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


PATIENT = """
from funboost_store_redis.brokers import watch as redis_watch
redis_watch.LEAST = 20.0  # a busy machine may keep the other one from coming back to the server as long
"""


WATCH = """
def watch():
    said = "well"
    while True:
        for health in default().worker.health().values():
            now = "away" if health.status == "away" else "well"
            if now != said:
                said = now
                mark(said)
        time.sleep(0.01)

threading.Thread(target=watch, daemon=True).start()
"""


def restarts(folder: Path, world: World, server: Any, times: int, again: int = 3) -> dict[str, Any]:
    """The server is killed and started again, again and again, while two programs consume and the test publishes.

    At most `again` messages may run twice each time.
    """
    chance, sure, unsure, number = dice("restarts"), set(), set(), 0
    outages: list[tuple[float, float]] = []
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)
    worker = (PATIENT if isinstance(world, RedisWorld) else "") + WORKER + WATCH

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
        consumers = [program.start(world.script(worker), args=("4", "-")) for _ in range(2)]
        log.wait(lambda: len(log.find("up")) >= 2)
        for _ in range(times):
            publish(chance.uniform(0.05, 0.3))
            begin = time.monotonic()
            server.kill()
            publish(chance.uniform(0, 0.2))
            server.start()
            outages.append((begin, time.monotonic()))
            before, known = len(log.find("end")), len(sure)
            log.wait(lambda known=known: (publish(0.05), len(sure) > known)[1])
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
    twice = {x for x, count in ran.items() if count > 1}
    assert len(twice) <= again * times, f"ran twice: {sorted(twice)[:20]}"
    return {
        "restarts": times,
        "messages": len(sure),
        "lost": 0,
        "ran twice": len(twice),
        "unsure": len(unsure),
        "said away": sum(all(_was_away(log, consumer.pid, *outage) for consumer in consumers) for outage in outages),
    }


def _was_away(log: Log, pid: int, begin: float, end: float) -> bool:
    """Whether a program's health said so at some moment between these."""
    said = [event for what in ("away", "well") for event in log.find(what, pid)]
    before = max((event for event in said if event.time < begin), key=lambda event: event.time, default=None)
    still = before is not None and before.what == "away"
    return still or any(event.what == "away" and begin <= event.time <= end for event in said)


def failover(
    folder: Path, world: World, kill: Callable[[], object], replicated: Callable[[], object]
) -> dict[str, Any]:
    """The master is killed under load, and its replica takes over: consumers and publishers go on by themselves.

    What the replica had is not lost.  What was confirmed after that may be: replication does not wait.
    """
    sure, hasty, unsure, number = set(), set(), set(), 0
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)

    def publish(times: int, into: set[str]) -> int:
        nonlocal number
        failed = 0
        while times:
            names = {str(n) for n in range(number, number + 20)}
            number += 20
            try:
                feeder.booster().push_many([{"x": name, "s": 0.001} for name in names])
                into.update(names)
                times -= 1
            except BrokerUnavailable:
                unsure.update(names)
                failed += 1
                time.sleep(0.05)
        return failed

    try:
        consumers = [program.start(world.script(WORKER), args=("4", "-")) for _ in range(2)]
        log.wait(lambda: len(log.find("up")) >= 2)
        publish(30, sure)
        replicated()
        publish(30, hasty)
        killed = time.monotonic()
        kill()
        failed = publish(1, sure)
        published = time.monotonic() - killed
        publish(30, sure)
        log.wait(lambda: any(event.time > killed + published for event in log.find("end")))
        consumed = min(event.time for event in log.find("end") if event.time > killed + published) - killed
        log.wait(lambda: {event.x for event in log.find("end")} >= sure, 60)
        log.wait(lambda: _patiently(feeder.booster().get_message_count) == 0, 60)
        for process in consumers:
            end(process)
        ran = Counter(event.x for event in log.find("end"))
        ran.update(message["x"] for message in _patiently(feeder.take_all))  # its second run did not come any more
        left = _patiently(feeder.leftovers)
    finally:
        program.close()
        feeder.close()
    assert ran.keys() <= sure | hasty | unsure
    assert ran.keys() >= sure
    assert left == {}
    return {
        "messages": len(sure) + len(hasty),
        "lost": 0,
        "lost of those that the replica may not have had": len(hasty - ran.keys()),
        "ran twice": sum(count > 1 for count in ran.values()),
        "taken for dead": len(log.find("back")),
        "failed pushes": failed,
        "seconds without publishing, consuming": [round(published, 1), round(consumed, 1)],
    }


def _patiently(do: Callable[[], Any]) -> Any:
    """What `do` returns; Sentinel may take a busy master for dead for a moment."""
    end_of_this = time.monotonic() + 20
    while True:
        try:
            return do()
        except BrokerUnavailable:
            if time.monotonic() > end_of_this:
                raise
            time.sleep(0.1)


def replicated(master: Server) -> Callable[[], object]:
    """Returns when the replica of `master` has all that it has."""
    return lambda: ask(master, "SET replicated 1 EX 60\r\nWAIT 1 5000", ":1")


def frozen(folder: Path, world: World, times: int) -> dict[str, Any]:
    """A consumer is stopped for longer than a lease; when it goes on it settles nothing that was given away.

    Each consumer buries others by its own lease: only the survivor has a short one, so that it is not buried itself.
    """
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)
    try:
        survivor = program.start(world.script(WORKER), args=("2", "1.0", "lease_seconds"))
        victim = program.start(world.script(WORKER), args=("4", "-"))
        log.wait(lambda: len(log.find("up")) >= 2)
        for _ in range(times):
            begun = len(log.find("begin", victim.pid))
            feeder.push([0.3] * 12)
            log.wait(lambda begun=begun: len(log.find("begin", victim.pid)) > begun)
            back = len(log.find("back"))
            os.kill(victim.pid, signal.SIGSTOP)
            log.wait(lambda back=back: len(log.find("back")) > back)
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
    stops = len(log.find("back"))  # a busy machine may have stopped it too
    assert max(ran.values()) <= 2 + stops - times
    assert left == {}
    return {"stops": times, "messages": len(feeder.pushed), "lost": 0, "ran twice": len(again)}


def timed(folder: Path, world: World, times: int) -> dict[str, Any]:
    """Consumers are killed while they run tasks; what they held comes back when its time is up, and nothing else does."""
    chance, timeout, rounds = dice("timed"), 2.0, 0
    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)
    pushed: dict[str, float] = {}
    killed: set[int] = set()
    unfinished = False
    try:
        # its own messages do not come back, however slow it is
        survivor = program.start(world.script(WORKER), args=("4", "1000", "ack_timeout"))
        log.wait(lambda: log.find("up", survivor.pid))
        while rounds < times or not unfinished:
            rounds += 1
            assert rounds <= times + 20, "nobody could be killed while it ran something: the story proves nothing"
            victim = program.start(world.script(WORKER), args=("4", str(timeout), "ack_timeout"))
            log.wait(lambda pid=victim.pid: log.find("up", pid))
            before, known = time.monotonic(), set(feeder.pushed)
            feeder.push([0.02] * 60)
            pushed.update(dict.fromkeys(feeder.pushed - known, before))
            log.wait(lambda pid=victim.pid: log.find("begin", pid) or len(log.find("end")) >= len(feeder.pushed))
            time.sleep(chance.uniform(0, 0.05))
            victim.kill()
            victim.wait()
            killed.add(victim.pid)
            unfinished |= len(log.find("begin", victim.pid)) > len(log.find("end", victim.pid))
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
        event.time - pushed[event.x]
        for event in log.find("begin", survivor.pid)
        if event.x in again and runs[event.x] == 2 and first[event.x].time < event.time
    ]
    assert left == {}
    assert again, "what was running when its consumer was killed came again"
    assert not waits or min(waits) > timeout - 0.05, "it came before its time"
    return {
        "kills": rounds,
        "messages": len(feeder.pushed),
        "lost": 0,
        "ran twice": len(again),
        "back after, time-outs, greatest": round(max(waits, default=0) / timeout, 2),
    }
