"""Whole programs: their server is away or refuses them; every concurrency mode; results and flags in Redis too."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
import time

import pytest

from funboost_core import BoosterParams, BrokerUnavailable, ConfigError, Environment, boost

pytestmark = pytest.mark.server


@pytest.fixture
def program():
    made = []

    def make(url, **settings):
        made.append(Environment({"REDIS_URL": url, "CONCURRENT_MODE": "threading", "BEAT_SECONDS": 0.2, **settings}))
        return made[-1]

    yield make
    for environment in made:
        environment.close()


def task(environment, function, **params):
    return boost(BoosterParams(queue_name="q", broker_kind="REDIS_ACK_ABLE", **params), environment=environment)(
        function
    )


def test_consuming_begins_when_the_server_comes(start_redis, program):
    own = start_redis()
    seen, ran = [], threading.Event()

    def note(x):
        seen.append(x)
        ran.set()

    environment = program(f"{own.url}/1")
    own.stop()
    its = task(environment, note)
    its.consume()
    time.sleep(0.5)
    own.start()
    end = time.monotonic() + 45
    while not seen and time.monotonic() < end:
        its.push(1)
        ran.wait(1)
    assert seen
    assert environment.worker.stop()


def test_consuming_goes_on_after_a_restart_of_the_server(start_redis, program):
    own = start_redis("--appendonly", "yes", "--appendfsync", "always")
    seen, lock, enough = {}, threading.Lock(), threading.Event()

    def note(x):
        with lock:
            seen[x] = seen.get(x, 0) + 1
            if len(seen) == 2000:
                enough.set()

    environment = program(f"{own.url}/1")
    its = task(environment, note, concurrent_num=4)
    its.push_many([{"x": number} for number in range(1000)])
    its.consume()
    for start in range(1000, 2000, 250):
        own.kill()
        own.start()
        its.push_many([{"x": number} for number in range(start, start + 250)])
        time.sleep(0.1)
    assert enough.wait(30), len(seen)
    assert environment.worker.stop()
    assert its.get_message_count() == 0


def test_a_wrong_password_is_refused_at_once(start_redis, program):
    own = start_redis("--requirepass", "right")
    its = task(program(own.url.replace("://", "://:wrong@")), lambda x: None)
    for what in (lambda: its.push(1), its.consume):
        with pytest.raises(ConfigError, match="refuses the user name or the password") as caught:
            what()
        assert "wrong@" not in str(caught.value)


def test_pushing_to_a_missing_server_is_one_clear_error(program):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # nobody answers there, and nobody else gets the port
        its = task(program(f"redis://:secret@127.0.0.1:{nobody.getsockname()[1]}"), lambda x: None)
        with pytest.raises(BrokerUnavailable, match=r"cannot be reached .*REDIS_URL points to it") as caught:
            its.push(1)
    assert "secret" not in str(caught.value)


PROGRAM = """
import sys
{patch}
import logging, threading, time
from funboost_core import BoosterParams, Environment, boost
logging.basicConfig(level=logging.WARNING)

environment = Environment({{"REDIS_URL": sys.argv[1], "STATE_URL": "redis://", "NAMESPACE": sys.argv[2], "BEAT_SECONDS": 0.2}})

@boost(BoosterParams(queue_name="q", broker_kind="REDIS_ACK_ABLE", concurrent_mode="{mode}", is_using_rpc_mode=True,
                     concurrent_num={threads}, max_retry_times=1, retry_interval=0.05, is_print_detail_exception=False), environment=environment)
{keyword} f(x):
    {sleep}
    if x == 7 and not failed:
        failed.append(x)
        raise ValueError("once")
    return x * 2

failed = []
f.consume()
results = [f.push(x) for x in range(60)]
assert [r.result for r in results] == [x * 2 for x in range(60)], "results"
f.pause_consume()
f.continue_consume()
assert f.push(100).result == 200
assert failed
assert environment.worker.stop()
assert f.get_message_count() == 0
environment.close()
print("done")
"""

MODES = {
    "threading": ("threading", "", "time.sleep(0.01)", 8),
    "single_thread": ("single_thread", "", "", 1),
    "asyncio": ("asyncio", "", "await asyncio.sleep(0.01)", 30),
    "gevent": ("gevent", "from gevent import monkey; monkey.patch_all()", "time.sleep(0.01)", 30),
    "eventlet": ("eventlet", "import eventlet; eventlet.monkey_patch()", "time.sleep(0.01)", 30),
    "threads under gevent": ("threading", "from gevent import monkey; monkey.patch_all()", "time.sleep(0.01)", 8),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode(redis_place, name):
    mode, patch, sleep, threads = MODES[name]
    for needed in ("gevent", "eventlet"):
        if needed in patch and importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    if importlib.util.find_spec(f"funboost_pool_{mode}") is None:
        pytest.skip(f"funboost-pool-{mode} is not installed")
    code = PROGRAM.format(
        mode=mode,
        patch=patch or ("import asyncio" if "await" in sleep else ""),
        sleep=sleep or "pass",
        threads=threads,
        keyword="async def" if "await" in sleep else "def",
    )
    command = [sys.executable, "-W", "ignore", "-c", code, redis_place.url, redis_place.namespace]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == "done\n", done.stderr[-3000:]
    assert "Traceback" not in done.stderr
