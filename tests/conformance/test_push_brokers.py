"""Honest push brokers pass their suite, in every concurrency mode."""

from __future__ import annotations

import sys
import time

import push_brokers
from funboost_testing.brokers import ListenerBrokerSuite, PushBrokerSuite

from funboost_core import BoosterParams, Environment, boost, redrive
from funboost_core.task import Task

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


class Pushed:
    def program(self, settings):
        environment = super().program(settings)
        environment.manager.register(push_brokers)
        return environment

    def test_declaring_imports_no_client(self):
        """The plugin of these is a test module with everything in it."""


SERVED = ("SUBSCRIBED", "CALLED_BACK", "UNSTORED")
for kind, modes in {
    "SUBSCRIBED": ("threading", "single_thread", "asyncio", "gevent", "eventlet"),
    "CALLED_BACK": ("threading", "asyncio"),
    "UNSTORED": ("threading",),
    # in patched processes sockets are closed by a hub, which does not turn any more when `run` returns
    "LINES": ("threading", "single_thread", "asyncio"),
    "REFUSING": ("threading",),
    "DROPPING": ("threading",),
}.items():
    for mode in modes:
        # what is fetched through a sink is tested by threads, which are none in a patched process
        suite = PushBrokerSuite if kind in SERVED and mode not in PATCHES else ListenerBrokerSuite
        name = f"Test{kind.title().replace('_', '')}In{mode.title().replace('_', '')}"
        fields = {"kind": kind, "settings": {"CONCURRENT_MODE": mode}, "__module__": __name__}
        if mode in PATCHES:
            fields["first_line"] = PATCHES[mode]
        vars(sys.modules[__name__])[name] = type(name, (Pushed, suite), fields)


def test_dead_letters_of_a_push_broker_are_redriven(tmp_path):
    settings = {"BROKER_KIND": "SUBSCRIBED", "CONCURRENT_MODE": "threading", "DATA_DIR": str(tmp_path)}
    environment = Environment(settings)
    environment.manager.register(push_brokers)
    params = BoosterParams(queue_name="q", max_retry_times=0, is_push_to_dlx_queue_when_retry_max_times=True)

    @boost(params, environment=environment)
    def task(x):
        raise ValueError(x)

    try:
        task.consume()
        for x in range(3):
            task.push(x)
        dead = Task(params.model_copy(update={"queue_name": "q_dlx"}), None, environment).make_broker()
        end = time.monotonic() + 30
        while dead.count() < 3:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert environment.worker.stop()
        assert redrive("q", environment=environment) == 3
        assert (dead.count(), task.get_message_count()) == (0, 3)
        dead.close()
    finally:
        environment.close()
