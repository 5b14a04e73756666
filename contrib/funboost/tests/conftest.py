"""An environment of its own for each test, queues and state in memory; and what tasks were called with."""

from __future__ import annotations

import inspect
import itertools
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from funboost import BoosterParams, boost, config_file, defaults

from funboost_core.environment import Environment, using

sys.path.append(str(Path(__file__).parent))  # overriding_classes.py


@pytest.fixture
def environment(tmp_path):
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "STATE_URL": "memory://", "BEAT_SECONDS": 0.05})
    environment.settings.defaults["DATA_DIR"] = str(tmp_path)  # tasks take their kind from the default program
    defaults.apply(environment)
    yield environment
    environment.close()


@pytest.fixture
def program():
    """The environment of a program, with no arguments; the default one meanwhile."""
    environment = Environment()
    defaults.apply(environment)
    with using(environment):
        yield environment
    environment.close()


@pytest.fixture
def documented(tmp_path):
    """The program that a documented example is: the defaults of this distribution, files in `tmp_path`."""
    environment = Environment({"DATA_DIR": str(tmp_path), "BEAT_SECONDS": 0.05})
    defaults.apply(environment)
    with using(environment):
        yield environment
        environment.close()


@pytest.fixture
def on_redis(documented, redis_place):
    """The same where the configuration says where Redis is."""
    pytest.importorskip("funboost_store_redis", reason="funboost[redis] is not installed here")
    documented.settings.values.update(REDIS_URL=redis_place.url, NAMESPACE=redis_place.namespace)
    return documented


@pytest.fixture
def on_rabbitmq(documented, rabbitmq_place):
    """The same where the configuration says where RabbitMQ is."""
    pytest.importorskip("funboost_rabbitmq", reason="funboost[rabbitmq] is not installed here")
    documented.settings.values.update(RABBITMQ_URL=rabbitmq_place.url, NAMESPACE=rabbitmq_place.namespace)
    return documented


@pytest.fixture
def programs(tmp_path):
    """Programs in processes of their own that share a data folder."""
    from started_programs import Programs

    programs = Programs(tmp_path)
    yield programs
    programs.close()


@pytest.fixture
def redis_programs(programs, redis_place):
    """The same where the configuration says where Redis is."""
    pytest.importorskip("funboost_store_redis", reason="funboost[redis] is not installed here")
    programs.environ.update(FUNBOOST_REDIS_URL=redis_place.url, FUNBOOST_NAMESPACE=redis_place.namespace)
    return programs


@pytest.fixture
def no_config(monkeypatch):
    """No `funboost_config` that another test has imported, and none for the next."""
    monkeypatch.delitem(sys.modules, config_file.MODULE, raising=False)
    config_file.forget()
    yield
    sys.modules.pop(config_file.MODULE, None)
    config_file.forget()


@pytest.fixture
def write_config(monkeypatch, tmp_path, no_config):
    """``write_config(text, folder)`` puts a funboost_config.py first on sys.path; its folder."""

    def write(text, folder="project"):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        (place / f"{config_file.MODULE}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(str(place))
        return place

    return write


WAIT = 50


class Calls:
    """What a task was called with; can be waited for."""

    def __init__(self):
        self.seen = []
        self._changed = threading.Condition()

    def add(self, *values):
        with self._changed:
            self.seen.append(values)
            self._changed.notify_all()

    def wait(self, number):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= number, WAIT), self.seen
        return self.seen


@pytest.fixture
def calls():
    return Calls()


_numbers = itertools.count()


@pytest.fixture
def queue():
    """A name that no other test uses: some brokers of users are global, as in the documentation."""
    return f"own{next(_numbers)}"


@pytest.fixture
def declare(environment, tmp_path):
    """``declare(function, consumer_cls, publisher_cls, mode="threading", **fields)`` makes the task q."""
    environment.settings.defaults["DATA_DIR"] = str(tmp_path)

    def declare(function, consumer=None, publisher=None, mode="threading", **fields):
        if mode == "async":
            plain = function

            async def function(**kwargs):
                return plain(**kwargs)

            function.__signature__ = inspect.signature(plain)
        fields.setdefault("broker_kind", "MEMORY_QUEUE")
        params = BoosterParams(
            queue_name="q",
            concurrent_mode=mode,
            consumer_override_cls=consumer,
            publisher_override_cls=publisher,
            **fields,
        )
        return boost(params, environment=environment)(function)

    return declare
