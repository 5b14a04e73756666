"""Programs that are killed; `tests/flows` tells these stories briefly, `tests/chaos` at length."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from feeder import Feeder
from kill_log import BEAT, MARKS, TAKEOVER, Log, audit, dice, in_beats
from programs import Program
from worlds import World

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # where there is no SIGKILL, this ends a process just as hard


def end(process: subprocess.Popen[str]) -> None:
    """Let a consumer drain."""
    process.terminate()
    process.wait(50)


# -- consumers -------------------------------------------------------------------------------------------------------

CONSUMER = (
    MARKS
    + """
@boost(BoosterParams(queue_name="q", concurrent_num=int(sys.argv[1])))
def f(x, s=0):
    mark("begin", x)
    if s:
        time.sleep(s)
    mark("end", x)

f.consume()
"""
)


def consumers(folder: Path, pool: str, times: int, world: World = World()) -> dict[str, Any]:  # noqa: B008 - it has no state
    """A consumer is killed while it runs and holds tasks, again and again; another one goes on all the time."""
    chance, threads = dice(("consumers", pool)), 8 if pool == "threading" else 1
    slow = 0.05 if pool == "threading" else 0.02
    fast_only, mixed, slow_only = [0.0] * 1500, ([0.0] * 49 + [slow]) * 30, [slow] * 40
    program, feeder = world.program(folder, pool), world.feeder(folder)
    log = Log(program)
    kills: dict[int, float] = {}
    delays: list[float] = []
    beats: list[int] = []
    try:
        survivor = program.start(world.script(CONSUMER), args=(str(threads),))
        log.wait(lambda: log.find("up", survivor.pid))
        for number in range(times):
            victim = program.start(world.script(CONSUMER), args=(str(threads),))
            log.wait(lambda pid=victim.pid: log.find("up", pid))
            feeder.push((fast_only, mixed, slow_only)[number % 3])
            enough = chance.choice((1, 5, 100, 300)) if number % 3 < 2 else chance.randrange(1, 4)
            log.wait(
                lambda pid=victim.pid, enough=enough: (
                    len(log.find("begin", pid)) >= enough or len(log.find("end")) >= len(feeder.pushed)
                )  # the survivor was faster
            )
            time.sleep(chance.uniform(0, 0.02))
            kills[victim.pid] = time.monotonic()
            victim.kill()
            victim.wait()
            dead = time.monotonic()
            if world.buries:
                log.wait(lambda: len(log.find("back")) >= len(kills))
                back = log.find("back")[-1].time
                delays.append(back - kills[victim.pid])
                beats.append(log.beats(survivor.pid, dead, back))
        log.wait(lambda: len({event.x for event in log.find("end")}) >= len(feeder.pushed), 120)
        log.wait(lambda: feeder.booster().get_message_count() <= 0)  # what the last one had ended and held comes again
        end(survivor)
        numbers = audit(log, feeder.pushed, kills, threads, world.acks_at_once)
        assert feeder.leftovers() == {}
    finally:
        program.close()
        feeder.close()
    if not world.buries:
        return numbers
    assert {event.pid for event in log.find("back")} == {survivor.pid}, "each was buried by the survivor"
    assert len(log.find("back")) == len(kills), "nobody else was taken for dead"
    assert max(beats) <= TAKEOVER, beats
    return {**numbers, **in_beats(delays, beats)}


def interrupted(folder: Path, pool: str) -> dict[str, Any]:
    """Fast tasks, whose acknowledgements are collected, then a slow one: they are acknowledged while that runs."""
    fast = 500
    program, feeder = Program(folder, pool, BEAT_SECONDS=600), Feeder(folder)
    log = Log(program)
    try:
        victim = program.start(CONSUMER, args=("1",))
        log.wait(lambda: log.find("up"))
        feeder.push([0.0] * fast + [600.0])
        log.wait(lambda: len(log.find("begin")) == fast + 1)
        log.wait(lambda: sum(event.x.count(",") + 1 for event in log.find("acked")) == fast)
        most = max(event.x.count(",") + 1 for event in log.find("acked"))
        victim.kill()
        victim.wait()
        assert [message["x"] for message in feeder.take_all()] == [fast], "only what was running is there again"
    finally:
        program.close()
        feeder.close()
    return {"messages": fast + 1, "lost": 0, "twice, had ended": 0, "most acknowledged at once": most}


# -- a publisher -----------------------------------------------------------------------------------------------------

PUBLISHER = (
    MARKS
    + """
@boost(BoosterParams(queue_name="q"))
def f(x):
    pass

run, threads = sys.argv[1:]

def push(thread):
    number = 0
    while True:
        name = f"{run}.{thread}.{number}"
        if number % 5:
            f.push(name)
        else:
            f.push_many([{"x": f"{name}.{part}"} for part in "abc"])
        mark("pushed", name)
        number += 1

for thread in range(int(threads)):
    threading.Thread(target=push, args=(thread,)).start()
"""
)


def publisher(folder: Path, times: int) -> dict[str, Any]:
    """A publisher is killed within its loop, again and again; one thread and three in turn."""
    chance = dice("publisher")
    program, feeder = Program(folder), Feeder(folder)
    log = Log(program)
    try:
        for run in range(times):
            process = program.start(PUBLISHER, args=(str(run), "13"[run % 2] if times > 1 else "3"))
            log.wait(lambda pid=process.pid: log.find("pushed", pid))
            time.sleep(chance.uniform(0, 0.1))
            process.kill()
            process.wait()
        there = [message["x"] for message in feeder.take_all()]
    finally:
        program.close()
        feeder.close()
    calls: dict[str, int] = {}
    for x in there:
        name = x.rstrip("abc").rstrip(".")
        calls[name] = calls.get(name, 0) + 1
    last: dict[str, int] = {}
    for event in log.find("pushed"):
        stream, _, number = event.x.rpartition(".")
        assert calls.get(event.x) == (1 if int(number) % 5 else 3), f"{event.x} had been pushed: {calls.get(event.x)}"
        last[stream] = max(int(number), last.get(stream, -1))
    assert len(there) == len(set(there)), "something is there twice"
    more = calls.keys() - {event.x for event in log.find("pushed")}
    for name in more:  # a call that was not to return any more may have been committed, as a whole
        stream, _, number = name.rpartition(".")
        assert int(number) == last.get(stream, -1) + 1
        assert calls[name] == (1 if int(number) % 5 else 3)
    return {"kills": times, "calls that returned": len(log.find("pushed")), "lost": 0, "twice": 0, "more": len(more)}


# -- a task that lets no other thread run ------------------------------------------------------------------------------

HOLDER = (
    MARKS
    + """
import ctypes, gc
from funboost_broker_sqlite_queue.database import Database as Queues
from funboost_store_sqlite.database import Database as State
libc = ctypes.PyDLL(None)  # its functions keep the interpreter's lock
held = os.open(str(HERE / "held"), os.O_RDWR)
byte = ctypes.create_string_buffer(1)

def hold():  # not while another thread is writing: it would keep the file until it may go on, and all others would wait
    files = [found for found in gc.get_objects() if isinstance(found, (Queues, State))]
    locks = [file.lock if isinstance(file, Queues) else file._lock for file in files]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # what is seen still holds when it is called
    while True:
        time.sleep(0.02)  # who has waited with the usual interval has had its turn then
        if not any(lock.locked() for lock in locks):
            break
    libc.read(held, byte, 1)
    sys.setswitchinterval(usual)

@boost(BoosterParams(queue_name="q"))
def f(x, s=0):
    mark("begin", x)
    if s:
        hold()
    mark("end", x)

f.consume()
"""
)


def holder(folder: Path, pool: str, seconds: int) -> dict[str, Any]:
    """A process does not give one sign of life for long, for it cannot, beside one that has nothing to do."""
    program, feeder = Program(folder, pool), Feeder(folder)
    log = Log(program)
    os.mkfifo(folder / "held")
    held = os.open(folder / "held", os.O_RDWR)

    def during() -> list[int]:
        """Who has had the beats that ended since the holder's last sign of life."""
        begin = log.find("begin")[0]
        last = max([begin.time, *(event.time for event in log.find("beat", begin.pid))])
        return [event.pid for event in log.find("beat") if event.time > last]

    try:
        processes = [program.start(HOLDER) for _ in range(2)]
        log.wait(lambda: len(log.find("up")) == 2)
        feeder.push([1.0])
        log.wait(lambda: log.find("begin"))
        log.wait(lambda: len(during()) >= seconds / BEAT, 10 * seconds + 30)
        others = during()
        os.write(held, b"x")
        (done,) = log.wait(lambda: log.find("end"))
        begin = log.find("begin")[0]
        feeder.push([0])
        log.wait(lambda: len(log.find("end")) == 2)
        for process in processes:
            end(process)
        numbers = audit(log, feeder.pushed, {}, 1)
    finally:
        program.close()
        feeder.close()
        os.close(held)
    assert done.pid not in others, "the other one has looked for dead ones again and again, and it gave no sign of life"
    assert not log.find("back")
    assert feeder.leftovers() == {}
    lasted = round((done.time - begin.time) / BEAT, 1)
    return {**numbers, "beats that it lasted": lasted, "beats of the other without a sign of life": len(others)}


# -- children of a parent ------------------------------------------------------------------------------------------------

FAMILY = (
    MARKS
    + """
@boost(BoosterParams(queue_name="q", concurrent_num=4))
def f(x, s=0):
    mark("begin", x)
    time.sleep(s)
    mark("end", x)

if __name__ == "__main__":
    f.multi_process_consume(3)
    while True:
        mark("children", ",".join(map(str, default().worker.supervisor.pids)))
        time.sleep(0.02)
"""
)


def family(folder: Path, kills: int, pause: float) -> dict[str, Any]:
    """Children are killed at random, at most `pause` seconds apart; their parent keeps three alive."""
    chance = dice("family")
    killed: dict[int, float] = {}
    program, feeder = Program(folder), Feeder(folder)
    log = Log(program)

    def children() -> list[int]:
        lines = log.find("children")
        return [int(pid) for pid in lines[-1].x.split(",") if pid and int(pid) not in killed] if lines else []

    def busy() -> list[int]:
        """Children that have begun something just now, and so have something to lose."""
        last = {event.pid: event.time for event in log.find("begin")[-40:]}
        found = [pid for pid in children() if time.monotonic() - last.get(pid, 0) < 0.05]
        if not found and len({event.x for event in log.find("end")}) >= len(feeder.pushed):  # nobody looked in time
            feeder.push([0.01] * 200)
        return found

    try:
        parent = program.start(FAMILY)
        log.wait(lambda: len(log.find("up")) == 3)
        for _ in range(kills):
            feeder.push([0.01] * 200)
            victims = log.wait(busy)
            time.sleep(chance.uniform(0, 0.02))
            victim = chance.choice(victims)
            killed[victim] = time.monotonic()
            os.kill(victim, KILL)
            time.sleep(chance.uniform(0, pause))
        log.wait(lambda: len({event.x for event in log.find("end")}) >= len(feeder.pushed), 60)
        alive = log.wait(lambda: len(children()) == 3 and children(), 60)
        log.wait(lambda: {event.pid for event in log.find("up")} >= set(alive))
        end(parent)
        numbers = audit(log, feeder.pushed, killed, 4)
    finally:
        program.close()
        feeder.close()
    assert feeder.leftovers() == {}
    return {**numbers, "alive at the end": len(alive)}
