"""Documented ten-line programs, each in processes of its own, over the defaults: SQLite queue, threads, SQLite state."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from started_programs import WAIT

ADD = """
import sys, time
from funboost import boost, BoosterParams, ctrl_c_recv

@boost(BoosterParams(queue_name="add", is_using_rpc_mode=True))
def add(x, y):
    print(f"{x} + {y} = {x + y}\\n", end="", flush=True)  # one write: threads print at the same time
    time.sleep(SLEEP)
    return x + y
"""


def _sums(process, number, waiting=False):
    """The next `number` lines that the task printed; logging comes in between, and (`waiting`) that Ctrl-C is waited for."""
    sums = []
    for line in process.stdout:
        if " = " in line:
            sums.append(line.strip())
        waiting = waiting and "Ctrl-C is waited for" not in line
        if len(sums) == number and not waiting:
            break
    return sorted(sums)


def test_one_program_publishes_and_another_consumes(programs):
    publish = programs.write(
        "publish.py",
        ADD
        + """
if __name__ == "__main__":
    for i in range(10):
        add.push(i, y=2 * i)
    print(add.get_message_count())
""",
    )
    consume = programs.write("consume.py", ADD + "\nadd.consume()\n")
    assert programs.run(publish) == "10\n"
    process = programs.start(consume)
    assert _sums(process, 10) == sorted(f"{i} + {2 * i} = {3 * i}" for i in range(10))
    ask = programs.write("ask.py", ADD + "\nprint(add.push(20, 22).result)\n")
    assert programs.run(ask) == "42\n"


def test_one_program_does_both_and_spreads_over_processes(programs):
    both = programs.write(
        "both.py",
        ADD
        + """
if __name__ == "__main__":
    from funboost_core import default
    results = [add.push(i, y=i) for i in range(6)]
    add.multi_process_consume(2)
    print("results", [result.result for result in results], flush=True)
    default().worker.stop()
""",
    )
    output = programs.run(both).splitlines()
    assert "results [0, 2, 4, 6, 8, 10]" in output
    assert sorted(line for line in output if "+" in line) == [f"{i} + {i} = {2 * i}" for i in range(6)]


def test_every_spelling_in_one_program(programs):
    path = programs.write(
        "spellings.py",
        """
        import time
        import warnings
        from funboost import boost, Booster, BoosterParams, BrokerEnum, ConcurrentModeEnum, PriorityConsumingControlConfig

        warnings.simplefilter("ignore")
        done = []

        class Mine(BoosterParams):
            broker_kind: str = BrokerEnum.MEMORY_QUEUE
            msg_expire_senconds: float = 60

        @Mine(queue_name="a")
        def a(x): done.append(("a", x))

        @boost(boost_params=Mine(queue_name="b", concurrent_mode=ConcurrentModeEnum.SINGLE_THREAD))
        def b(x): done.append(("b", x))

        @Booster("c", broker_kind=BrokerEnum.LOCAL_PYTHON_QUEUE, qps=100, concurrent_mode=ConcurrentModeEnum.ASYNC)
        async def c(x): done.append(("c", x))

        d = boost(Mine(queue_name="d", is_auto_start_consuming_message=True))(lambda x: done.append(("d", x)))

        for f in (a, b, c, d):
            f.push(1)
            f.publish({"x": 2}, priority_control_config=PriorityConsumingControlConfig(msg_expire_senconds=30))
            f.send_msg('{"x": 3, "extra": {"msg_expire_senconds": 10, "publish_time": 1}}')
            if f is not d:
                f.consume()
        while len(done) < 8:
            time.sleep(0.01)
        print(sorted(done), flush=True)
        from funboost_core import default
        default().worker.stop()
        """,
    )
    assert f"{sorted((name, x) for name in 'abcd' for x in (1, 2))}" in programs.run(path).splitlines()


CONSUME = (
    ADD
    + """
if __name__ == "__main__":
    import signal, threading

    def tell():
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.01)
        print("Ctrl-C is waited for\\n", end="", flush=True)

    add.consume()
    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=tell, daemon=True).start()
    ctrl_c_recv()
    print("drained", flush=True)
"""
)
PUBLISH = ADD + "\nfor i in range(3):\n    add.push(i, y=0)\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_the_first_ctrl_c_drains(programs):
    programs.run(programs.write("publish.py", PUBLISH))
    going = CONSUME.replace("time.sleep(SLEEP)", 'while not os.path.exists("go"): time.sleep(0.01)')
    process = programs.start(programs.write("consume.py", "import os\n" + going))
    assert len(_sums(process, 3, waiting=True)) == 3
    process.send_signal(signal.SIGINT)
    assert "press it twice more" in process.stdout.readline()
    (programs.folder / "go").touch()
    output, _ = process.communicate(timeout=WAIT)
    assert "drained" in output
    assert process.returncode == 0
    assert programs.run(programs.write("count.py", ADD + "\nprint(add.get_message_count())\n")) == "0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_the_third_ctrl_c_ends_the_process_at_once_and_loses_nothing(programs):
    programs.run(programs.write("publish.py", PUBLISH))
    process = programs.start(programs.write("consume.py", CONSUME, sleep=600))
    assert _sums(process, 3, waiting=True) == [f"{i} + 0 = {i}" for i in range(3)]
    for hint in ("twice", "once"):
        process.send_signal(signal.SIGINT)
        assert f"press it {hint} more" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT) == 44
    again = programs.start(programs.write("again.py", CONSUME))
    assert _sums(again, 3) == [f"{i} + 0 = {i}" for i in range(3)]


def test_run_forever_and_ctrl_c_recv_hold_the_main_thread(programs):
    for call in ("run_forever()", "ctrl_c_recv()"):
        process = programs.start(
            programs.write(
                "hold.py",
                f"""
                from funboost import run_forever, ctrl_c_recv
                print("holding", flush=True)
                {call}
                print("left", flush=True)
                """,
            )
        )
        assert process.stdout.readline() == "holding\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()
        assert process.communicate()[0] == ""


def test_ctrl_c_recv_outside_the_main_thread_ends_with_the_worker(programs):
    path = programs.write(
        "thread.py",
        ADD
        + """
import threading
from funboost_core import default

add.consume()
thread = threading.Thread(target=ctrl_c_recv)
thread.start()
print(add.push(1, 2).result)
default().worker.stop()
thread.join()
print("left")
""",
    )
    assert programs.run(path).splitlines() == ["1 + 2 = 3", "3", "left"]
