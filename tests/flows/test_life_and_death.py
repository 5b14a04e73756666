"""How consuming programs live and end: main thread gone, signals, child processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import pytest
from programs import Program

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@pytest.fixture
def program(tmp_path: Any, pool: str) -> Any:
    """A program in each pool."""
    program = Program(tmp_path, pool)
    yield program
    program.close()


@pytest.fixture
def threads(tmp_path: Any) -> Any:
    """A program in the threading pool."""
    program = Program(tmp_path)
    yield program
    program.close()


def define(pool: str, body: str, **params: Any) -> str:
    """A task `f(x)` with this body, a coroutine function where the pool wants one."""
    settings = "".join(f", {name}={value!r}" for name, value in params.items())
    head = "async def" if pool == "asyncio" else "def"
    return f"""
@boost(BoosterParams(queue_name="q"{settings}))
{head} f(x):
    {body}
"""


def test_a_consumer_goes_on_when_the_main_thread_has_ended(program, pool):
    """Executors, too: `asyncio.to_thread` and DNS look-ups need one."""
    body = 'import concurrent.futures as c; note("ran", x, c.ThreadPoolExecutor(1).submit(lambda: 7).result())'
    if (3, 12) <= sys.version_info < (3, 12, 3):  # starts no thread once the main one has ended (gh-113964)
        body = 'note("ran", x, 7)'
    process = program.start(define(pool, body) + "f.consume()\nf.push(1)\nnote('main ends')")
    program.wait_for(1, "ran 1 7")
    program.run(define(pool, body) + "f.push(2)", name="publisher.py")
    program.wait_for(1, "ran 2 7")
    assert process.poll() is None


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("main", ["", "while True: time.sleep(0.1)"], ids=["main ended", "main sleeps"])
def test_a_signal_drains(program, pool, number, main):
    """What runs ends, what was fetched goes back, the process ends by itself."""
    wait = "await __import__('asyncio').sleep(0.5)" if pool == "asyncio" else "time.sleep(0.5)"
    body = f'note("begin", x); {wait}; note("end", x)'
    script = define(pool, body, concurrent_num=2)
    program.run(script + "f.push_many([{'x': n} for n in range(20)])", name="publisher.py")
    process = program.start(script + "f.consume()\n" + main)
    program.wait_for(1, "begin")
    process.send_signal(number)
    process.wait(50)
    begun = {line.split()[1] for line in program.log() if line.startswith("begin")}
    ended = {line.split()[1] for line in program.log() if line.startswith("end")}
    assert begun == ended
    assert process.returncode in (0, 1, 130, -number)
    program.run(script + "note('left', f.get_message_count())", name="count.py")
    assert program.wait_for(1, "left") == [f"left {20 - len(ended)}"]


@posix_only
def test_the_drain_deadline_gives_back_what_hangs(tmp_path):
    program = Program(tmp_path, DRAIN_SECONDS=0.3)
    try:
        script = define("threading", 'note("begin", x); time.sleep(60)')
        process = program.start(script + "f.push(1)\nf.consume()")
        program.wait_for(1, "begin")
        process.terminate()
        process.wait(50)
        program.run(script + "f.task.make_broker().listen()\nnote('left', f.get_message_count())", name="count.py")
        assert program.wait_for(1, "left") == ["left 1"]
    finally:
        program.close()


def test_processes_share_the_work(program, pool):
    body = 'note("ran", x, os.getpid())'
    guard = (
        "if __name__ == '__main__':\n    f.push_many([{'x': n} for n in range(300)])\n    f.multi_process_consume(2)"
    )
    process = program.start(define(pool, body) + guard)
    lines = program.wait_for(300, "ran")
    assert sorted(int(line.split()[1]) for line in lines) == list(range(300))
    assert str(process.pid) not in {line.split()[2] for line in lines}


def test_what_a_script_does_at_its_top_level_is_not_repeated_in_children(threads):
    script = (
        define("threading", 'note("ran", x)')
        + "f.push(1)\nf.consume()\nf.multi_process_consume(2)\nnote('top', os.getpid())"
    )
    threads.start(script)
    threads.wait_for(3, "top")
    threads.wait_for(1, "ran")
    threads.run(define("threading", "pass") + "f.push(2)", name="later.py")
    threads.wait_for(1, "ran 2")
    assert sorted(line for line in threads.log() if line.startswith("ran")) == ["ran 1", "ran 2"]


@pytest.mark.parametrize("main", ["", "time.sleep(60)"], ids=["main ended", "main sleeps"])
def test_dead_children_are_replaced_and_lose_nothing(threads, main):
    """Both are killed, so that only new ones can finish the work."""
    body = 'note("begin", x, os.getpid())\n    while not (HERE / "go").exists(): time.sleep(0.01)\n    note("end", x)'
    guard = (
        "if __name__ == '__main__':\n    f.push_many([{'x': n} for n in range(40)])\n    f.multi_process_consume(2)\n"
    )
    threads.start(define("threading", body, concurrent_num=2) + guard + (f"    {main}\n" if main else ""))
    victims = _busy(threads, 2)
    for victim in victims:
        os.kill(victim, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    for victim in victims:
        _gone(victim)
    (threads.folder / "go").touch()
    threads.wait_for(40, "end")
    assert {line.split()[1] for line in threads.log() if line.startswith("end")} == {str(n) for n in range(40)}
    assert {int(line.split()[2]) for line in threads.log() if line.startswith("begin")} - victims


@pytest.mark.parametrize("limit", ["process_max_tasks=10", "process_max_memory_mb=300"])
def test_an_exhausted_child_is_replaced(threads, limit):
    name, _, value = limit.partition("=")
    body = (
        'note("ran", x, os.getpid()); time.sleep(0.05); f.__dict__.setdefault("fat", []).append(bytearray(20_000_000))'
    )
    guard = "if __name__ == '__main__':\n    f.push_many([{'x': n} for n in range(60)])\n    f.multi_process_consume(1)"
    threads.start(define("threading", body, concurrent_num=1, **{name: int(value)}) + guard)
    lines = threads.wait_for(60, "ran")
    assert sorted(int(line.split()[1]) for line in lines) == list(range(60))
    assert len({line.split()[2] for line in lines}) >= 2


@posix_only
def test_children_drain_when_the_parent_is_killed(threads):
    body = 'note("begin", x, os.getpid()); time.sleep(0.5); note("end", x)'
    guard = (
        "if __name__ == '__main__':\n    f.push_many([{'x': n} for n in range(200)])\n    f.multi_process_consume(2)"
    )
    parent = threads.start(define("threading", body, concurrent_num=2) + guard)
    children = _busy(threads, 2)
    parent.kill()
    parent.wait()
    for pid in children:
        _gone(pid)
    begun = {line.split()[1] for line in threads.log() if line.startswith("begin")}
    ended = {line.split()[1] for line in threads.log() if line.startswith("end")}
    assert begun == ended and len(ended) < 200


def _busy(program: Any, count: int) -> set[int]:
    """The children that have begun something, once there are so many."""
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        found = {int(line.split()[2]) for line in program.wait_for(1, "begin")}
        if len(found) >= count:
            return found
        time.sleep(0.01)
    raise AssertionError(f"only {found} have begun something")


def _gone(pid: int, seconds: float = 50) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} still runs")


@posix_only
def test_sigterm_of_the_parent_drains_the_children(threads):
    body = 'note("begin", x, os.getpid()); time.sleep(0.5); note("end", x)'
    guard = (
        "if __name__ == '__main__':\n    f.push_many([{'x': n} for n in range(200)])\n    f.multi_process_consume(2)"
    )
    parent = threads.start(define("threading", body, concurrent_num=2) + guard)
    _busy(threads, 2)
    parent.terminate()
    parent.wait(50)
    begun = {line.split()[1] for line in threads.log() if line.startswith("begin")}
    ended = {line.split()[1] for line in threads.log() if line.startswith("end")}
    assert begun == ended and len(ended) < 200


@posix_only
def test_a_function_that_cannot_be_imported_is_forked(threads):
    code = (
        "from programs_inline import *\n"
        "def make():\n"
        "    @boost(BoosterParams(queue_name='q'))\n"
        "    def f(x): note('ran', x, os.getpid())\n"
        "    return f\n"
        "f = make(); f.push(1); f.multi_process_consume(1)\n"
    )
    from programs import PREAMBLE

    (threads.folder / "programs_inline.py").write_text(PREAMBLE)
    process = threads.spawn([sys.executable, "-c", code])
    (line,) = threads.wait_for(1, "ran 1")
    assert int(line.split()[2]) != process.pid


def test_forked_users_publish_through_their_own_connection(threads):
    if not hasattr(os, "fork"):
        pytest.skip("this platform cannot fork")
    script = define("threading", 'note("ran", x)') + (
        "f.push(1)\n"
        "pid = os.fork()\n"
        "f.push(2 if pid else 3)\n"
        "if pid:\n"
        "    os.waitpid(pid, 0)\n"
        "    note('count', f.get_message_count())\n"
        "else:\n"
        "    os._exit(0)\n"
    )
    threads.run(script)
    assert threads.wait_for(1, "count") == ["count 3"]
