"""Methods, annotated arguments and pickled ones, in every pool, over brokers that pass objects and that pass text."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from pydantic import BaseModel

from funboost_core import BoosterParams, boost

DAY = datetime.date(2030, 1, 2)
ID = uuid.UUID(int=7)


class Thing:
    def __init__(self, x: int) -> None:
        self.x = x


class Order(BaseModel):
    number: int


class Shop:
    seen: Any

    def __init__(self, name: str) -> None:
        self.obj_init_params = {"name": name}
        self.name = name

    def sell(self, order: Order, day: datetime.date, thing: Any = None) -> Any:
        Shop.seen((type(self).__name__, self.name, order, day, thing.x))
        return None


async def sell(self: Shop, order: Order, day: datetime.date, thing: Any = None) -> Any:
    return Shop.sell(self, order, day, thing)


sell.__qualname__ = Shop.sell.__qualname__


@pytest.fixture
def method(story: Any) -> Any:
    Shop.seen = story.note
    function = sell if story.pool == "asyncio" else Shop.sell
    return boost(BoosterParams(queue_name="sell", is_using_rpc_mode=True), environment=story.environment)(function)


def test_whatever_travels_arrives(story: Any, method: Any) -> None:
    results = [method.push(Shop("here"), Order(number=number), DAY, thing=Thing(number)) for number in range(5)]
    method.consume()
    seen = story.wait_for(5)
    assert sorted(seen, key=str) == [("Shop", "here", Order(number=number), DAY, number) for number in range(5)]
    assert all(result.is_success() for result in results)


def test_each_run_gets_them(story: Any) -> None:
    def function(x: Any, y: Any) -> None:
        y.add(99)
        story.note((x, 7 in y, len(y)))
        raise ValueError

    function.__annotations__ = {"x": uuid.UUID, "y": set}
    booster = story.task(function, max_retry_times=2)
    booster.push(ID, {7})
    booster.consume()
    assert story.wait_for(3) == [(ID, True, 2)] * 3


def test_in_a_process_of_its_own(tmp_path: Any) -> None:
    """`self` is an argument like any other, also on the way to another process."""
    import subprocess
    import sys

    program = tmp_path / "isolated_methods.py"
    program.write_text(ISOLATED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "data")], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout.splitlines() == ["['shop', 2030, 7]"], done.stderr


ISOLATED = """
import datetime, sys
from funboost_core import BoosterParams, boost, default

default().settings.values.update(
    BROKER_KIND="SQLITE_QUEUE", CONCURRENT_MODE="threading", STATE_URL="sqlite://", DATA_DIR=sys.argv[-1]
)

class Thing:
    def __init__(self, x):
        self.x = x

class Shop:
    def __init__(self, name):
        self.obj_init_params = {"name": name}
        self.name = name

    @boost(BoosterParams(queue_name="sell", is_using_rpc_mode=True, isolation="process"))
    def sell(self, day: datetime.date, thing=None):
        return [self.name, day.year, thing.x]

if __name__ == "__main__":
    Shop.sell.consume()
    print(Shop.sell.push(Shop("shop"), datetime.date(2030, 1, 1), Thing(7)).result, flush=True)
    default().worker.stop()
"""
