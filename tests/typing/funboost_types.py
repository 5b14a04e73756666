"""What type checkers make of a task declared with the distribution `funboost`.  Checked by pyright and mypy, never run."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Optional

from funboost import (
    AioAsyncResult,
    AsyncResult,
    Booster,
    BoosterParams,
    BrokerEnum,
    ConcurrentModeEnum,
    PriorityConsumingControlConfig,
    boost,
)
from typing_extensions import assert_type


class Mine(BoosterParams):
    broker_kind: str = BrokerEnum.MEMORY_QUEUE
    max_retry_times: int = 4


# -- the four spellings, and the old one --------------------------------------------------------------------------------


@boost(BoosterParams(queue_name="add", qps=5, concurrent_mode=ConcurrentModeEnum.THREADING))
def add(x: int, y: int = 2) -> int:
    return x + y


@boost(boost_params=Mine(queue_name="half"))
def half(x: int) -> float:
    return x / 2


@Booster(BoosterParams(queue_name="text"))
def text(x: int) -> str:
    return str(x)


@BoosterParams(queue_name="join")
def join(parts: list[str], by: str = ",") -> Optional[str]:
    return by.join(parts) or None


@boost("old", qps=0.2, broker_kind=BrokerEnum.MEMORY_QUEUE)
def old(x: int) -> bytes:
    return bytes(x)


@boost(Mine(queue_name="fetch"))
async def fetch(url: str) -> bytes:
    return url.encode()


@Mine(queue_name="later")
async def later(x: int) -> str:
    return str(x)


def plain(x: int) -> float:
    return x / 2


by_hand = boost(BoosterParams(queue_name="by hand"))(plain)


def every_spelling() -> None:
    assert_type(add(1), int)
    assert_type(add.push(1, y=2), AsyncResult[int])
    assert_type(add.push(1).result, int)
    assert_type(half.push(1).result, float)
    assert_type(text.push(1).result, str)
    assert_type(join.push(["a"], by=";").result, Optional[str])
    assert_type(old.push(1).result, bytes)
    assert_type(fetch.push("u").result, bytes)
    assert_type(later.push(1).result, str)
    assert_type(by_hand.push(1).result, float)
    task: Booster[[int], str, Coroutine[Any, Any, str]] = later
    print(task)

    add.push()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    add.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    add.push(1, z=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    half.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    text.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    join.push(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    old.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fetch.push(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    later.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    by_hand.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# -- other names of the same ------------------------------------------------------------------------------------------------


def other_names() -> None:
    assert_type(add.delay(1, 2).result, int)
    assert_type(add.pub({"x": 1}).result, int)
    assert_type(add.apply_async({"x": 1}).result, int)
    add.delay("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def published() -> None:
    config = PriorityConsumingControlConfig(countdown=60, max_retry_times=0)
    assert_type(fetch.publish({"url": "u"}, priority_control_config=config).result, bytes)
    assert_type(add.publish('{"x": 1}', task_id=7), AsyncResult[int])
    add.publish(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def asynchronous() -> None:
    assert_type(await fetch("u"), bytes)
    assert_type(await add.aio_push(1), AioAsyncResult[int])
    assert_type(await (await add.aio_push(1)).result, int)
    assert_type(await (await fetch.aio_publish({"url": "u"})).result, bytes)
    assert_type(await (await later.aio_push(1)).get(), str)
    await add.aio_push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# -- parameters -------------------------------------------------------------------------------------------------------------


def parameters() -> None:
    assert_type(add.boost_params, BoosterParams)
    assert_type(add.boost_params.broker_kind, str)
    BoosterParams()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    BoosterParams(queue_name="q", qps="5")  # pyright: ignore[reportArgumentType]
    BoosterParams(queue_name="q", qqs=5)  # pyright: ignore[reportCallIssue]
    boost(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# -- methods ----------------------------------------------------------------------------------------------------------------


class Shop:
    @boost(BoosterParams(queue_name="sell"))
    def sell(self, item: str, count: int = 1) -> float:
        return len(item) * count

    @staticmethod
    @BoosterParams(queue_name="price")
    def price(item: str) -> float:
        return float(len(item))


def methods(shop: Shop) -> None:
    assert_type(Shop.price.push("tea").result, float)
    assert_type(shop.sell("tea", 2), float)
    assert_type(Shop.sell.push(shop, "tea", count=3).result, float)
    shop.sell(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Shop.sell.push(shop, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
