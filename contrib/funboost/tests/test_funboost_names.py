"""Constants, exceptions and spellings; importing does nothing but import."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import funboost
import pytest

from funboost_core import errors

PACKAGE = Path(funboost.__file__).parent


def test_the_version_is_that_of_the_distribution():
    text = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{funboost.__version__}"' in text
    assert funboost.__version__ == "60.0.0"


def test_documented_exceptions_are_the_core_s():
    assert funboost.ExceptionForRetry is errors.RetryTask
    assert funboost.ExceptionForRequeue is errors.RequeueTask
    assert funboost.ExceptionForPushToDlxqueue is errors.DeadLetterTask
    assert funboost.HasNotAsyncResult is funboost.FunboostWaitRpcResultTimeout is errors.ResultTimeout
    assert funboost.FunboostRpcResultError is errors.TaskFailed
    assert funboost.FunboostException is errors.FunboostError


def test_an_unknown_name_is_an_ordinary_import_error_and_the_attribute_error_names_the_closest():
    with pytest.raises(ImportError):
        from funboost import BoosterParam  # noqa: F401
    with pytest.raises(AttributeError, match="Did you mean 'BoosterParams'"):
        funboost.BoosterParam
    assert not hasattr(funboost, "nothing_of_the_kind")


BROKERS = {
    "EMPTY": "empty",
    "LOCAL_PYTHON_QUEUE": "MEMORY_QUEUE",
    "PERSISTQUEUE": "sqlite3",
    "RABBITMQ": "RABBITMQ_AMQPSTORM",
    "CONFLUENT_KAFKA": "KAFKA_CONFLUENT",
    "SQLITE_QUEUE": "sqlite3",
    "REIDS_ACK_USING_TIMEOUT": "reids_ack_using_timeout",
    "REDIS_BRPOP_LPUSH": "RedisBrpopLpush",
    **{
        name: name
        for name in """RABBITMQ_AMQPSTORM RABBITMQ_RABBITPY RABBITMQ_PIKA REDIS REDIS_ACK_ABLE REDIS_PRIORITY
        REDIS_STREAM RedisBrpopLpush REDIS_PUBSUB MEMORY_QUEUE MONGOMQ NSQ KAFKA KAFKA_CONFLUENT
        KAFKA_CONFLUENT_SASlPlAIN SQLACHEMY ROCKETMQ ZEROMQ KOMBU MQTT HTTPSQS PULSAR UDP TCP HTTP NATS TXT_FILE PEEWEE
        CELERY DRAMATIQ HUEY RQ NAMEKO""".split()
    },
}


def _constants(cls):
    return {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_")}


def test_constants_are_the_documented_ones():
    assert _constants(funboost.BrokerEnum) == BROKERS
    assert _constants(funboost.ConcurrentModeEnum) == {
        "THREADING": "threading",
        "GEVENT": "gevent",
        "EVENTLET": "eventlet",
        "ASYNC": "async",
        "SINGLE_THREAD": "single_thread",
        "SOLO": "single_thread",
    }
    kinds = ["CLASS_METHOD", "COMMON_FUNCTION", "INSTANCE_METHOD", "STATIC_METHOD"]
    assert _constants(funboost.FunctionKind) == {kind: kind for kind in kinds}


def test_other_spellings_live_in_one_table():
    """The misspelt words are in aliases.py alone; SPEC section 24 is where they come from."""
    misspelt = re.compile(
        "persistance|senconds|priroty|hearbeat|REIDS|reids|SQLACHEMY|sqlachemy|SASlPlAIN|conusme|Cousumer|Dlxqueue"
        "|consumin_function|sqlite3|shedual|SQLLITE|KFFKA|FORMATER|boost_dirs"
    )
    for path in PACKAGE.rglob("*.py"):
        if path.name != "aliases.py":
            assert not misspelt.findall(path.read_text(encoding="utf-8")), path


IMPORT = """
import os, sys, threading
before = set(os.listdir("."))
import funboost
cheap = set(sys.modules)
from funboost import *
assert threading.active_count() == 1, threading.enumerate()
assert set(os.listdir(".")) == before
for name in ("asyncio", "sqlite3", "concurrent.futures", "multiprocessing", "logging"):
    assert name not in cheap, name
assert "pydantic" not in cheap
for name in ("asyncio", "sqlite3", "multiprocessing"):
    assert name not in sys.modules, name
assert not [name for name in sys.modules if name.startswith(("funboost_broker", "funboost_pool", "funboost_store"))]
"""


def test_importing_does_nothing_but_import(tmp_path):
    environ = {"PYTHONPATH": ":".join(filter(None, sys.path)), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
