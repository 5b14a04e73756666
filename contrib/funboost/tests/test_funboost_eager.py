"""The kit for users' own tests takes in tasks of the documented decorator."""

from __future__ import annotations

import funboost


def add(x, y=2):
    return x + y


def test_the_documented_decorator_and_the_fixture(funboost_eager):
    task = funboost.boost(funboost.BoosterParams(queue_name="documented", concurrent_mode="gevent"))(add)
    task.push(1, y=5)
    funboost_eager.run()
    assert funboost_eager.results(task) == [6]
