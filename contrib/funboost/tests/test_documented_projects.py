"""The documentation's programs about whole programs, rewritten: logging, waiting, processes, crashes and configuration files.

Chapters 4.16, 4.17, 4.26, 4.100, 6.14, 6.15, 6.17 and 6.18.
"""

from __future__ import annotations

import os
import sys
import threading
from itertools import islice

import pytest
from funboost import BoosterParams, boost
from started_programs import WAIT

LOGGED = """
import logging, threading
from funboost import boost, BrokerEnum, BoosterParams, get_logger

LOG_FILENAME = "shared.log"
ran = threading.Semaphore(0)

class Mine(BoosterParams):
    broker_kind: str = BrokerEnum.RABBITMQ
    max_retry_times: int = 4
    log_level: int = logging.DEBUG
    log_filename: str = LOG_FILENAME

business = get_logger("my_business", log_filename=LOG_FILENAME)

@boost(boost_params=Mine(queue_name="task_queue_name1111", qps=300))
def task_fun(x, y):
    business.warning(f"first {x} {y}")
    ran.release()

@boost(boost_params=Mine(queue_name="task_queue_name2222", qps=1000))
def task_fun2(x, y):
    business.warning(f"second {x} {y}")
    ran.release()

if __name__ == "__main__":
    task_fun.consume()
    task_fun2.consume()
    for i in range(5):
        task_fun.push(i, y=i * 2)
        task_fun2.push(i, i * 10)
    for _ in range(10):
        ran.acquire()
    from funboost_core import default
    default().worker.stop()
"""


@pytest.mark.server
def test_queues_and_the_program_log_to_one_file(programs, rabbitmq_place):
    """Chapter 4.16.2."""
    pytest.importorskip("concurrent_log_handler", reason="funboost[log-files] is not installed here")
    pytest.importorskip("funboost_broker_rabbitmq_amqpstorm", reason="funboost[rabbitmq] is not installed here")
    programs.environ.update(
        FUNBOOST_RABBITMQ_URL=rabbitmq_place.url,
        FUNBOOST_NAMESPACE=rabbitmq_place.namespace,
        FUNBOOST_LOG_PATH=str(programs.folder / "logs"),
    )
    programs.run(programs.write("logged.py", LOGGED))
    text = (programs.folder / "logs" / "shared.log").read_text(encoding="utf-8")
    for i in range(5):
        assert text.count(f"first {i} {i * 2}") == 1
        assert text.count(f"second {i} {i * 10}") == 1
    assert "task_queue_name1111" in text
    assert "task_queue_name2222" in text


def test_the_next_step_when_all_of_the_first_is_done(documented, calls):
    """Chapters 4.17 and 6.15: `wait_for_possible_has_finish_all_tasks` returns when nothing waits and nothing runs."""

    seconds = 0.3
    go_on, done = {"f1": threading.Event(), "f2": threading.Event()}, []

    @boost(BoosterParams(queue_name="test_f1_queue", qps=500))
    def f1(x):
        calls.add("f1", x)
        go_on["f1"].wait(WAIT)
        for j in range(1, 4):
            f2.push(x * j)

    @boost(BoosterParams(queue_name="test_f2_queue", qps=500))
    def f2(y):
        calls.add("f2", y)
        go_on["f2"].wait(WAIT)
        done.append(y)

    def run(f, name, number):
        f.consume()
        calls.wait(number)  # all run, and go on for longer than a queue must have been quiet
        threading.Timer(3 * seconds, go_on[name].set).start()
        f.wait_for_possible_has_finish_all_tasks(minutes=seconds / 60)

    f1.clear()
    f2.clear()
    for i in range(10):
        f1.push(i)
    run(f1, "f1", 10)
    assert sorted(calls.seen) == [("f1", i) for i in range(10)]
    assert f2.get_message_count() == 30
    run(f2, "f2", 40)
    assert sorted(done) == sorted(i * j for i in range(10) for j in (1, 2, 3))


TUNED = """
import os
from funboost import boost, ConcurrentModeEnum, BoosterParams

@boost(BoosterParams(queue_name="test_queue_add"))
def add(a, b):
    print(f"add {a + b} {os.getpid()}\\n", end="", flush=True)

@boost(BoosterParams(queue_name="test_queue_sub", concurrent_num=200, concurrent_mode=ConcurrentModeEnum.THREADING))
def sub(x, y):
    print(f"sub {x - y} {os.getpid()}\\n", end="", flush=True)

if __name__ == "__main__":
    for i in range(5):
        add.push(i, 2 * i)
        sub.push(i, 2 * i)
    START
"""


@pytest.mark.parametrize(
    ("start", "here"),
    [("add.consume(); sub.consume()", True), ("add.multi_process_consume(1); sub.multi_process_consume(2)", False)],
    ids=["one process", "processes"],
)
def test_functions_in_one_process_or_in_several(programs, start, here):
    """Chapters 4.26, 4.26.1 and 4.26.2."""
    process = programs.start(programs.write("tuned.py", TUNED.replace("START", start)))
    seen, pids = [], set()
    for line in process.stdout:
        if line.startswith(("add", "sub")):
            name, number, pid = line.split()
            seen.append((name, int(number)))
            pids.add(int(pid))
        if len(seen) == 10:
            break
    assert sorted(seen) == sorted([*(("add", 3 * i) for i in range(5)), *(("sub", -i) for i in range(5))])
    assert (process.pid in pids) == here


def test_change_one_thing_and_look(documented, calls):
    """Chapter 4.100: the same program under other parameters runs the same."""

    def f(x, y):
        calls.add(x + y)

    for number, fields in enumerate(({}, {"qps": 500}, {"concurrent_num": 1}, {"concurrent_mode": "single_thread"}), 1):
        task = boost(BoosterParams(queue_name=f"test_queue{number}", **fields))(f)
        for i in range(5):
            task.push(i, i * 2)
        task.consume()
        assert sorted(calls.wait(5 * number)[-5:]) == [(3 * i,) for i in range(5)]


CONFIRMED = """
import time
from funboost import boost, BoosterParams

@boost(BoosterParams(queue_name="test_confirm"))
def fun(x):
    print(f"began {x}\\n", end="", flush=True)
    time.sleep(SLEEP)
    print(f"done {x}\\n", end="", flush=True)

if __name__ == "__main__":
    CALL
"""


def test_what_was_not_done_when_its_process_was_killed_runs_again(programs):
    """Chapter 6.14."""
    programs.environ["FUNBOOST_BEAT_SECONDS"] = "0.1"
    publish = programs.write("publish.py", CONFIRMED.replace("CALL", "[fun.push(i) for i in range(5)]"))
    programs.run(publish)
    consume = CONFIRMED.replace("CALL", "fun.consume()")
    killed = programs.start(programs.write("killed.py", consume, sleep=600))
    assert len(list(islice((line for line in killed.stdout if line.startswith("began")), 5))) == 5
    killed.kill()
    again = programs.start(programs.write("again.py", consume))
    done = islice((line for line in again.stdout if line.startswith("done")), 5)
    assert sorted(done) == [f"done {i}\n" for i in range(5)]


TALKING = """
import logging
from funboost import boost, BoosterParams

@boost(BoosterParams(queue_name="talking", log_level=LEVEL, is_using_rpc_mode=True))
def f(x):
    return x

if __name__ == "__main__":
    result = f.push(1)
    f.consume()
    print("result", result.result)
    from funboost_core import default
    default().worker.stop()
"""


def test_less_in_the_log(programs):
    """Chapters 6.17.a and 6.17b: a level for one queue, and without what is told at the start."""

    def said(level, show):
        programs.write(
            "funboost_config.py",
            f"""
            import logging
            from funboost.utils.simple_data_class import DataClassBase

            class FunboostCommonConfig(DataClassBase):
                TIMEZONE = "Asia/Shanghai"
                SHOW_HOW_FUNBOOST_CONFIG_SETTINGS = {show}
                FUNBOOST_PROMPT_LOG_LEVEL = logging.INFO
                KEEPALIVETIMETHREAD_LOG_LEVEL = logging.INFO
            """,
        )
        output = programs.run(programs.write("talking.py", TALKING.replace("LEVEL", level)))
        assert "result 1" in output
        return output

    loud, quiet = said("logging.DEBUG", show=True), said("logging.WARNING", show=False)
    assert "funboost_config.py" in loud
    assert "talking" in loud
    assert quiet.strip() == "result 1"


def test_a_folder_for_the_configuration_of_several_projects(programs):
    """Chapters 6.18.3 to 6.18.5: the first `funboost_config` on PYTHONPATH is read; a script may be anywhere below."""
    for name in ("conf", "one/deep", "two"):
        (programs.folder / name).mkdir(parents=True)
    conf = programs.folder / "conf"
    programs.write(
        "conf/funboost_config.py",
        """
        import os

        class BrokerConnConfig:
            REDIS_HOST = "redis.test" if os.environ.get("env") == "test" else "redis.prod"
        """,
    )
    program = "from funboost import BrokerConnConfig\nprint(BrokerConnConfig.REDIS_HOST)\n"
    for script, where in (("one/deep/run.py", "test"), ("two/run.py", "prod")):
        root = programs.folder / script.partition("/")[0]
        programs.environ.update(env=where, PYTHONPATH=os.pathsep.join([str(conf), str(root), *filter(None, sys.path)]))
        assert programs.run(programs.write(script, program)) == f"redis.{where}\n"
