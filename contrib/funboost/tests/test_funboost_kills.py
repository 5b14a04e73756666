"""The documented ways to kill a task, and locks that free themselves."""

from __future__ import annotations

import contextlib
import threading
import time

import funboost
import pytest
from funboost import BoosterParams, RemoteTaskKiller, boost
from funboost.core.kill_remote_task import TaskHasKilledError
from funboost.utils import expire_lock

from funboost_core import ConfigError, Environment
from funboost_core.environment import default, using
from funboost_core.errors import TaskKilled


@pytest.fixture
def environment(tmp_path):
    with using(default().like({"STATE_URL": "memory://", "BROKER_KIND": "MEMORY_QUEUE", "DATA_DIR": str(tmp_path)})):
        made: Environment = default()
        yield made
        made.close()


@pytest.mark.parametrize("send", ["send_kill_remote_task_comd", "send_kill_remote_task_command"])
def test_queued_and_running_tasks_are_killed(environment, send):
    begun, seen = threading.Event(), []

    @boost(BoosterParams(queue_name="kill_me", is_support_remote_kill_task=True, is_using_rpc_mode=True))
    def add(x, y):
        seen.append(x)
        begun.set()
        for _ in range(3000):
            time.sleep(0.01)

    queued, running = add.push(1, 2), add.push(3, 4)
    getattr(RemoteTaskKiller(add.queue_name, queued.task_id), send)()
    add.consume()
    assert begun.wait(20)
    getattr(RemoteTaskKiller(add.queue_name, running.task_id), send)()
    assert running.set_timeout(20).status_and_result["exception_type"] == TaskHasKilledError.__name__
    assert queued.set_timeout(20).status_and_result["exception_type"] == "TaskSkipped"
    assert seen == [3]
    assert TaskHasKilledError is TaskKilled is funboost.TaskHasKilledError


def test_a_task_that_does_not_allow_it_is_refused(environment):
    @boost(BoosterParams(queue_name="not_me"))
    def add(x):
        return x

    with pytest.raises(ConfigError, match="is_support_remote_kill_task=True"):
        RemoteTaskKiller("not_me", "id")
    RemoteTaskKiller("of another project", "id").send_kill_remote_task_comd()


# -- expire_lock ------------------------------------------------------------------------------------------------


def test_a_lock_frees_itself():
    lock = expire_lock.ExpireLockContextManager(expire_lock.ExpireLockConf(expire_seconds=0.1, lock_key="a"))
    other = expire_lock.ExpireLockContextManager(expire_lock.ExpireLockConf(lock_key="a"))
    began = time.monotonic()
    lock.acquire()
    thread = threading.Thread(target=lambda: (other.acquire(), waited.append(time.monotonic() - began)))
    waited: list[float] = []
    thread.start()
    thread.join(20)
    assert waited[0] >= 0.09
    lock.realese()  # it is not ours any more
    assert other._slot.holder is not None


def test_as_a_context_manager_one_at_a_time():
    lock, inside, most = expire_lock.ExpireLockContextManager(expire_lock.ExpireLockConf()), [], []

    def work():
        for _ in range(20):
            with lock:
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(most) == 80
    assert max(most) == 1


def test_without_a_key_each_configuration_is_a_lock_of_its_own():
    locks = [expire_lock.ExpireLockContextManager(expire_lock.ExpireLockConf()) for _ in range(2)]
    for lock in locks:
        lock.acquire()
    for lock in locks:
        lock.release()


def test_whoever_waits_longest_may_be_killed_before_it_takes_the_lock():
    lock = expire_lock.ExpireLockContextManager(expire_lock.ExpireLockConf(expire_seconds=3600))
    has_it, waiting = [], []
    changed = lock._slot.changed
    real_wait = changed.wait

    def wait(timeout):
        first = not waiting
        waiting.append(threading.current_thread())
        real_wait(timeout)
        if first:
            raise SystemExit  # as an order to end arrives: when it runs again

    changed.wait = wait
    lock.acquire()

    def take():
        with contextlib.suppress(SystemExit):
            lock.acquire()
            has_it.append(1)

    threads = [threading.Thread(target=take, daemon=True) for _ in range(2)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        while len(waiting) < number:
            time.sleep(0.001)
        with changed:  # whoever waits has let go of it
            pass
    lock.release()
    for thread in threads:
        thread.join(20)
    assert has_it == [1]
