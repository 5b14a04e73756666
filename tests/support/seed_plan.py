"""What running the documentation's programs shows when they work; by key, for the text is not ours to copy.

A program that is not here has to run for a while, or to end, without a traceback.
"""

from __future__ import annotations

from typing import NamedTuple

MANY = 5
"""How often what a program prints for a message has to be seen."""


class Run(NamedTuple):
    """How to see that a program works."""

    shows: str = ""
    """Regular expression: a line that has to be printed `times` times."""
    times: int = MANY
    file: str = "main.py"
    beside: tuple[str, ...] = ()
    """Keys of programs that it imports, or that have to run while it does; they are started before it."""
    publishes: str = ""
    """Python that is run beside it, where the program leaves that to the reader."""
    ends: bool = False
    seconds: float = 40
    prepares: str = ""
    """Python that is run first, to its end: what the documentation asks of the reader."""
    needs: str = ""
    """A module that what it imports needs."""
    fails: bool = False
    """Its function is meant to raise: tracebacks are no failure."""


LEFT_OUT = {
    "c3497448c4": "waits until its queues have been empty for seven minutes",
    "fc597c3830": "reads a site on the internet",
    "95d7d84a3f": "reads a site on the internet",
    "34661717cb": "imports modules of its reader",
    "df43cec793": "imports modules of its reader",
    "09a9a0ac1f": "imports modules of its reader",
}
"""Programs that cannot be run here, and why."""

LATER = {
    "celery_consumer": "Celery as a broker comes with its issue",
    "function_result_web": "the web manager comes with its issue",
}
"""What a program imports and is still to come."""

TABLE = """
import sqlite3
from funboost import BrokerConnConfig, FunctionResultStatus

columns = FunctionResultStatus("q", "f", {}).get_status_dict()
file = BrokerConnConfig.SQLACHEMY_ENGINE_URL.partition("///")[2]
sqlite3.connect(file).execute(f"create table funboost_consume_results ({', '.join(columns)}, primary key (_id))")
"""
TASKS = "import pathlib; pathlib.Path('a/b/c/tasks').mkdir(parents=True)"
MQTT_CONSUMER = """
from funboost import boost, BrokerEnum, BoosterParams

@boost(BoosterParams(queue_name="mqtt_topic_test", broker_kind=BrokerEnum.MQTT))
def f(x, y):
    print(f"{x} + {y} = {x + y}")

f.consume()
"""
RPC_CONSUMER = "98a8c5ce10"

RUNS = {
    "3dc2806201": Run(r"^\d+$"),
    "9a9586816e": Run(r"^\d+ \+ \d+ = \d+"),
    "2e29806f39": Run(r"rpc结果是： 300", 1),
    "3e10f4446f": Run(r"^\d+ [+-] \d+ = -?\d+"),
    "4f4cc4e737": Run(r"^\d+$", 2),
    "38c93bdec2": Run(r"^\d+$", 2),
    "d05df35d76": Run(r"^\d+$", 2),
    "c22bb751e2": Run(seconds=5),
    "8188da72bf": Run(r"^y 的值是 \d+"),
    "a97fafe630": Run(r"^m : \d+ , n : 2", 500),
    "020a558145": Run(r"^The sum of 4 and 6 is 10", 2),
    "79115cd6cc": Run(r"^\d+ \d+ \d+$", 12),
    RPC_CONSUMER: Run(file="test_frame/test_rpc/test_consume.py", seconds=5),
    "e61f4bacf4": Run(r"^\{.*'success': True|^\d+$", 6, beside=(RPC_CONSUMER,)),
    "865f934b6c": Run(r"^\{.*'success': True", beside=(RPC_CONSUMER,)),
    "400869a996": Run(r"^\{.*'success': True", 8, beside=(RPC_CONSUMER,)),
    "63000ef0e2": Run(r"的结果是 \d+， sleep 0.01 秒", 10),
    "82108e340e": Run(
        publishes="from main import test_fun\n[test_fun.push(x) for x in range(50)]\n", shows=r"^\d+ [\d.]+$"
    ),
    "b928d33d1b": Run(r"hello world \d+", 30),
    "053fe19bd6": Run(file="test_frame/test_delay_task/test_delay_consume.py", seconds=5),
    "f94c64dd3d": Run(r"^\d{1,2}00?$", 12, beside=("053fe19bd6",), seconds=60),
    "b9d5d635cb": Run(seconds=10),
    "649021c08b": Run(r"^[12]?0$", 3, prepares=TABLE, needs="sqlalchemy"),
    "3d99c54706": Run(ends=True),
    "46d7d766c5": Run(r"条日志会写到", 6, needs="nb_log"),
    "d63c3b88ce": Run(r"Application startup complete", 1, "a/b/c/main.py", prepares=TASKS, needs="fastapi"),
    "c077f7c938": Run(r"保存到数据库", 20),
    "6db67f327b": Run(r"使用指定的consumer_override_cls", 4, fails=True, seconds=60),
    "f793a9c702": Run(r"^start \d+", 10),
    "bce29f7294": Run(r"^\d+ \+ \d+ = \d+"),
    "1b569ebb88": Run(r"ValueError: 模拟消费函数可能出错", 5, fails=True),
    "9d4501a212": Run(r"^1000$", 1),
    "070d7f4e16": Run(r"^f3  b:\d+", 100, seconds=60),
    "7818813f69": Run(file="test_funboost_kill_consume.py", seconds=5),
    "ab813a81fc": Run(r"kill", 1, beside=("7818813f69",)),
    "63883f424e": Run(r"common_fun函数也能自动知道消息的taskid|模拟出错啦", 2, fails=True, seconds=60),
    "ea50872648": Run(r"^\d+$"),
    "72a93784ba": Run(r"^a\.x:(1|11),a\.y:(2|12)", 2),
    "72a48d01d7": Run(seconds=8),
    "73bdfcbb8a": Run(r"执行 \d+ \+ \d+ 的结果是|Timeout|超时", 3, fails=True, seconds=60),
    "6564733691": Run(r"哈哈 b: \d+"),
    "8159e5ef78": Run(r"^\{'m': 666, 'n': 777\}|^\{'y1': \d"),
    "c3b3d77062": Run(r"^a:[13],b:[24]", 2),
    "35961dd65c": Run(r"^哈哈", 1, seconds=90),
    "a2f2228ea2": Run(r"下载->转码->通知 耗时", 2, seconds=120),
    "2f3f6b9935": Run(publishes="from main import fun\nfun.push(1)\n", shows="开始处理 1", times=1),
    "b5961c1e62": Run(r"-fun-.*\b\d+\s*$", 10, needs="nb_log"),
    "c5eee3e16a": Run(r"\b3\s*$", 20, needs="nb_log"),
    "0320cfe6c0": Run(r"^\d{1,2}$", 10),
    "ecae9cfec4": Run(r"\d+ \+ \d+ = \d+", 50),
    "33e8b22ec4": Run(r"^ ?\d+ \+ \d+ = \d+", 50, publishes=MQTT_CONSUMER),
    "dd42a93fcc": Run(r"^\d+( \d+)?$", 6),
}
