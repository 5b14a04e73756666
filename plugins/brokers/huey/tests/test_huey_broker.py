"""HUEY: files, objects of users, what stays in the file."""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from huey import MemoryHuey
from missing_library import told_without

from funboost_core import BoosterParams, ConfigError, Environment, Outgoing
from funboost_core.task import Task

# Huey keeps a connection for each thread, and leaves closing it to the end of the thread.
pytestmark = pytest.mark.filterwarnings("ignore:.*sqlite3.Connection:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def environment(tmp_path):
    environment = Environment({"DATA_DIR": str(tmp_path), "BROKER_KIND": "HUEY"})
    yield environment
    environment.close()


@pytest.fixture
def make(environment):
    made = []

    def make(queue="q", **options):
        params = BoosterParams(queue_name=queue, broker_exclusive_config=options)
        made.append(Task(params, None, environment).make_broker())
        return made[-1]

    yield make
    for broker in made:
        broker.close()


def test_the_file_is_in_the_data_folder_or_where_it_was_named(make, tmp_path):
    make().publish([Outgoing(b"{}")])
    make(filename=str(tmp_path / "other.db")).publish([Outgoing(b"{}")] * 2)
    assert (tmp_path / "huey.sqlite3").exists()
    assert make().count() == 1
    assert make(filename=str(tmp_path / "other.db")).count() == 2


def test_queues_of_one_file_are_apart(make):
    make("a").publish([Outgoing(b"1"), Outgoing(b"2")])
    make("b").publish([Outgoing(b"3")])
    make("a").purge()
    assert (make("a").count(), make("b").count()) == (0, 1)


def test_nothing_in_the_file_is_a_pickle(make):
    broker = make()
    broker.publish([Outgoing(b"\x00\xff"), Outgoing(b"{}", due=4e9)])
    stored = broker._queue.huey.storage.enqueued_items() + broker._queue.huey.storage.scheduled_items()
    assert len(stored) == 2
    assert all(type(json.loads(bytes(message))) is list for message in stored)


def test_an_object_of_the_user_is_shared_by_publisher_and_consumer(environment):
    from funboost_core import boost

    huey, seen = MemoryHuey("mine"), []
    environment.settings.values.update(CONCURRENT_MODE="threading", STATE_URL="memory://")
    params = {"broker_exclusive_config": {"huey": huey, "max_delay": 0.02}, "is_using_rpc_mode": True}

    @boost(BoosterParams(queue_name="q", concurrent_num=2, **params), environment=environment)
    def double(x):
        seen.append(x)
        return 2 * x

    double.consume()
    assert double.push(4).result == 8
    assert seen == [4]


def test_an_object_of_the_user_belongs_to_one_queue(make):
    huey = MemoryHuey("mine")
    make("a", huey=huey)
    make("a", huey=huey)
    with pytest.raises(ConfigError, match="'a'"):
        make("b", huey=huey)


def test_an_object_of_the_user_is_taken_once_by_threads_that_open_at_once(make, monkeypatch):
    huey, both = MemoryHuey("mine"), threading.Event()
    task = huey.task

    def slow(**options):
        both.wait(0.3)  # the other thread has the time to do the same
        return task(**options)

    monkeypatch.setattr(huey, "task", slow)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda number: make("a", huey=huey), range(2))
    assert first._queue is second._queue


@pytest.mark.parametrize("name", ["retries", "name"])
def test_what_is_ours_cannot_be_an_option_of_hueys_task(make, name):
    with pytest.raises(ConfigError, match=name):
        make(huey_task_kwargs={name: 3})


def test_huey_hears_of_failures_that_are_final(environment, caplog):
    from funboost_core import boost

    environment.settings.values.update(CONCURRENT_MODE="threading", STATE_URL="memory://")
    params = {"broker_exclusive_config": {"max_delay": 0.02}, "is_using_rpc_mode": True, "max_retry_times": 1}

    @boost(BoosterParams(queue_name="q", is_print_detail_exception=False, **params), environment=environment)
    def fail(x):
        raise ValueError("no")

    fail.consume()
    with caplog.at_level(logging.ERROR, "huey"):
        assert fail.push(4).is_success() is False
        assert environment.worker.stop()
    assert [record.exc_info[0] for record in caplog.records if record.name == "huey"] == [ValueError]


def test_a_missing_library_is_one_clear_error(tmp_path):
    told = told_without("huey", "HUEY", tmp_path)
    assert "huey" in told
    assert "pip install funboost-broker-huey" in told
