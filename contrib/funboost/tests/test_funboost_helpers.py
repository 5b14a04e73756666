"""Small documented helpers: publishing by processes, pools and loops of consumers, counting threads, waiting."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from types import SimpleNamespace

import pytest
from funboost import BoosterParams, boost, ctrl_c_recv, run_forever, show_current_threads_num
from funboost.concurrent_pool import FlexibleThreadPool
from funboost.factories.broker_kind__publsiher_consumer_type_map import regist_to_funboost
from funboost.overriding import consumer as consumer_module
from funboost.utils import thread_count

from funboost_core import bootstrap
from funboost_core.environment import using
from funboost_core.errors import CapabilityMissing, PublishError, UnknownKind

WAIT = 50


def ended(name):
    """Before what ends its loop is taken away."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(WAIT)
            assert not thread.is_alive()


class Enough(BaseException):
    """Ends a loop that has no end."""


@pytest.fixture
def f(environment):
    @boost(BoosterParams(queue_name="q", broker_kind="MEMORY_QUEUE", concurrent_num=3), environment=environment)
    def f(x): ...

    return f


def test_a_script_that_is_imported_by_its_own_child_is_not_held_up(monkeypatch):
    monkeypatch.setattr(bootstrap, "muted", True)
    ctrl_c_recv()
    run_forever()


def test_what_has_ended_before_the_first_look_is_not_waited_for(environment, f):
    def wait():
        with using(environment):
            ctrl_c_recv()

    f.consume()
    environment.worker.stop()
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(40)
    assert not waiting.is_alive()


def test_a_broker_s_plugin_can_be_loaded_by_hand():
    assert regist_to_funboost("LOCAL_PYTHON_QUEUE").kind == "MEMORY_QUEUE"
    with pytest.raises(UnknownKind, match="pip install funboost-broker-nothing"):
        regist_to_funboost("NOTHING")


def test_threads_are_counted_again_and_again(caplog, monkeypatch):
    caplog.set_level(logging.INFO, "funboost.threads")
    rounds = iter([None, None])
    told = threading.Event()

    def sleep(seconds):
        assert seconds == 7
        if next(rounds, Enough) is Enough:
            told.set()
            raise Enough

    monkeypatch.setattr(thread_count, "time", SimpleNamespace(sleep=sleep))  # others' threads sleep, too
    monkeypatch.setattr(threading, "active_count", lambda: 42)  # others' threads may be ending
    with pytest.raises(Enough):
        show_current_threads_num(7, process_name="mine", block=True)
    lines = [record.getMessage() for record in caplog.records if record.name == "funboost.threads"]
    assert len(lines) == 3
    assert "mine has 42 threads" in lines[0]
    told.clear()
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    show_current_threads_num(7)
    assert told.wait(WAIT)
    ended("funboost-thread-count")


def test_a_consumer_has_a_pool_for_work_of_its_own(environment, f):
    assert isinstance(f.consumer.concurrent_pool, FlexibleThreadPool)
    assert f.consumer.concurrent_pool is f.consumer.concurrent_pool
    assert f.consumer.concurrent_pool.max_workers == 3
    pool = FlexibleThreadPool(4)
    other = boost(
        BoosterParams(queue_name="other", broker_kind="MEMORY_QUEUE", specify_concurrent_pool=pool),
        environment=environment,
    )(lambda x: x)
    assert other.consumer.concurrent_pool is pool


def test_a_consumer_calls_a_function_again_and_again(f, caplog, monkeypatch, calls):
    def sleep(seconds):
        if len(calls.seen) >= 3:
            raise Enough
        assert seconds == 0.5

    def fail(x):
        calls.add(x)
        raise KeyError(x)

    monkeypatch.setattr(consumer_module, "time", SimpleNamespace(sleep=sleep))
    with pytest.raises(Enough):
        f.consumer.keep_circulating(0.5)(fail)(1)
    assert calls.seen == [(1,)] * 3
    told = [record for record in caplog.records if record.name == f.consumer.logger.name]
    assert [record.exc_info[0] for record in told] == [KeyError] * 3
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    f.consumer.keep_circulating(0.5, block=False, daemon=True)(fail)(2)
    assert calls.wait(4)[3] == (2,)
    ended("funboost-q-circulating")


def test_many_calls_are_published_by_processes(tmp_path, monkeypatch):
    """The calls are shared out, and each process finds the function by its module."""
    import mass_published

    program = mass_published.environment(tmp_path)
    monkeypatch.setenv("MASS_PUBLISHED_FOLDER", str(tmp_path))
    with using(program):
        add = mass_published.declare(program)
        add.multi_process_pub_params_list([{"x": n} for n in range(3500)], process_num=2)
        assert add.get_message_count() == 3500
        with pytest.raises(PublishError, match="'mass': 2 of 2 processes failed"):
            add.multi_process_pub_params_list([{"y": n} for n in range(2000)], process_num=2)
    program.close()


def test_a_process_that_another_thread_reaps_has_failed_all_the_same(tmp_path, monkeypatch):
    import mass_published

    program = mass_published.environment(tmp_path)
    monkeypatch.setenv("MASS_PUBLISHED_FOLDER", str(tmp_path))
    # that thread has not noted the exit code yet
    monkeypatch.setattr(multiprocessing.process.BaseProcess, "exitcode", None)
    with using(program):
        add = mass_published.declare(program)
        with pytest.raises(PublishError, match="'mass': 2 of 2 processes failed"):
            add.multi_process_pub_params_list([{"y": n} for n in range(2000)], process_num=2)
        add.multi_process_pub_params_list([{"x": n} for n in range(2000)], process_num=2)
        assert add.get_message_count() == 2000
    program.close()


def test_few_calls_and_functions_that_no_child_finds_are_published_here(f):
    f.multi_process_pub_params_list([{"x": n} for n in range(2500)])
    assert f.get_message_count() == 2500


def test_a_queue_within_one_process_is_refused(environment, monkeypatch, f):
    monkeypatch.setattr(bootstrap, "importable", lambda function: True)
    with pytest.raises(CapabilityMissing, match="multi_process_pub_params_list"):
        f.multi_process_pub_params_list([{"x": n} for n in range(2500)])
