"""A program on a clock moved by hand, and what its schedulers publish."""

from __future__ import annotations

import time

import pytest
from funboost_testing.clock import FakeClock

from funboost_core import BoosterParams, Environment, boost, hookimpl


class Published:
    """The messages that went out."""

    def __init__(self):
        self.ids, self.extras, self.arguments = [], [], []

    @hookimpl
    def funboost_after_publish(self, message):
        self.ids.append(message.task_id)
        self.extras.append(dict(message.extra))
        self.arguments.append(dict(message.arguments))


class Stage:
    """Programs over one data folder, each with the task ``f(x, y=0)`` on queue q."""

    def __init__(self, folder, zone="UTC"):
        self.folder, self.zone = folder, zone
        self.clock, self.published = FakeClock(), Published()
        self.environments = []

    def program(self, **settings):
        environment = Environment(
            {
                "BROKER_KIND": "MEMORY_QUEUE",
                "CONCURRENT_MODE": "threading",
                "STATE_URL": "memory://",
                "DATA_DIR": str(self.folder),
                "TIMEZONE": self.zone,
                **settings,
            },
            clock=self.clock,
        )
        self.environments.append(environment)

        @boost(BoosterParams(queue_name="q", hooks=[self.published]), environment=environment)
        def f(x, y=0):
            pass

        return f

    def scheduler(self, store="sqlite", **settings):
        f = self.program(**settings)
        return f.task.environment.schedulers.open("apscheduler", f, store)

    def settle(self, running=1):
        end = time.monotonic() + 40
        while self.clock.waiting < running:
            assert time.monotonic() < end, f"{self.clock.waiting} wait on the clock"
            time.sleep(0.001)

    def let_pass(self, seconds, running=1):
        self.settle(running)
        self.clock.advance(seconds)
        self.settle(running)


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    for environment in stage.environments:
        environment.close()
