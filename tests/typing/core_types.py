"""What type checkers make of a task.  Checked by pyright and mypy, never run.

Each wrong call carries the error that it must give: a checker that does not give it complains of the comment.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Callable, Optional

from typing_extensions import assert_type

from funboost_core import AioAsyncResult, AsyncResult, Booster, BoosterParams, TaskOptions, boost
from funboost_core.status import FunctionResultStatus


@boost(BoosterParams(queue_name="add", qps=5))
def add(x: int, y: int = 2, *, note: str = "") -> int:
    return x + y


@boost(BoosterParams(queue_name="fetch"))
async def fetch(url: str, seconds: float = 1.0) -> bytes:
    return url.encode()


@BoosterParams(queue_name="join")
def join(parts: list[str], by: str = ",") -> Optional[str]:
    return by.join(parts) or None


@BoosterParams(queue_name="later")
async def later(x: int) -> str:
    return str(x)


def plain(x: int) -> float:
    return x / 2


half = boost(BoosterParams(queue_name="half"))(plain)
half_by_keyword = boost(boost_params=BoosterParams(queue_name="half"))(plain)


# -- the kind of task that a function becomes ------------------------------------------------------------------------


def a_task_is_a_booster() -> None:
    at_x: Booster[[int], float, float] = half
    keyword: Booster[[int], float, float] = half_by_keyword
    waits: Booster[[int], str, Coroutine[Any, Any, str]] = later
    wrong: Booster[[str], float, float] = half  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(at_x, keyword, waits, wrong)


# -- a plain call ------------------------------------------------------------------------------------------------------


def called() -> None:
    assert_type(add(1), int)
    assert_type(add(1, 2, note="n"), int)
    assert_type(join(["a"]), Optional[str])
    assert_type(half(3), float)
    assert_type(half_by_keyword(x=3), float)
    add("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    add()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    function: Callable[[int], float] = half
    print(function)


async def awaited() -> None:
    assert_type(await fetch("u"), bytes)
    assert_type(await later(1), str)


# -- push takes the function's own parameters, and knows what comes back --------------------------------------------


def pushed() -> None:
    assert_type(add.push(1), AsyncResult[int])
    assert_type(add.push(1, 2), AsyncResult[int])
    assert_type(add.push(x=1, y=2, note="n"), AsyncResult[int])
    assert_type(add.push(1).result, int)
    assert_type(add.push(1).get(), int)
    assert_type(add.push(1).set_timeout(3).result, int)
    assert_type(fetch.push("u").result, bytes)  # not a coroutine: the result of the run
    assert_type(join.push(["a"], by=";").result, Optional[str])
    assert_type(later.push(1).result, str)
    assert_type(half.push(1).result, float)
    assert_type(half_by_keyword.push(1).result, float)

    add.push()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    add.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    add.push(1, z=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    add.push(1, 2, "n")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    add.push(1, note=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fetch.push(b"u")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    join.push("a", "b", "c")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    later.push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    half.push(y=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def aio_pushed() -> None:
    assert_type(await add.aio_push(1, note="n"), AioAsyncResult[int])
    assert_type(await (await add.aio_push(1)).result, int)
    assert_type(await (await add.aio_push(1)).get(), int)
    assert_type(await fetch.aio_push("u"), AioAsyncResult[bytes])
    assert_type(await (await fetch.aio_push("u")).result, bytes)
    assert_type(await (await later.aio_push(1)).set_timeout(1).result, str)

    await add.aio_push("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await fetch.aio_push()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# -- publish takes a message ----------------------------------------------------------------------------------------------


def published() -> None:
    assert_type(add.publish({"x": 1}), AsyncResult[int])
    assert_type(add.publish('{"x": 1}', task_id="7").result, int)
    assert_type(fetch.publish({"url": "u"}, options=TaskOptions(countdown=3)).result, bytes)
    assert_type(add.push_many([{"x": 1}]), list[AsyncResult[int]])
    assert_type(add.send_msg({"x": 1}), None)

    add.publish(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    add.publish({"x": 1}, options={"countdown": 3})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def aio_published() -> None:
    assert_type(await add.aio_publish({"x": 1}), AioAsyncResult[int])
    assert_type(await (await fetch.aio_publish({"url": "u"})).result, bytes)


# -- results --------------------------------------------------------------------------------------------------------------


def results(result: AsyncResult[int]) -> None:
    assert_type(result.status_and_result, Optional[dict[str, Any]])
    assert_type(result.wait_rpc_data_or_raise(), FunctionResultStatus)
    assert_type(result.is_success(), bool)
    assert_type(AsyncResult.batch_wait_rpc_data_or_raise([result]), list[FunctionResultStatus])
    for one in AsyncResult.as_completed([result], timeout=5):
        assert_type(one, AsyncResult[int])


async def aio_results(result: AioAsyncResult[str]) -> None:
    assert_type(await result.result, str)
    assert_type(await result.status_and_result, Optional[dict[str, Any]])
    assert_type(await result.rpc_data, Optional[FunctionResultStatus])
    assert_type(await result.wait_rpc_data_or_raise(), FunctionResultStatus)
    assert_type(await result.is_pending(), bool)
    async for one in AioAsyncResult.as_completed([result]):
        assert_type(await one.result, str)


# -- parameters -----------------------------------------------------------------------------------------------------------


def parameters() -> None:
    assert_type(add.boost_params, BoosterParams)
    assert_type(add.queue_name, str)
    BoosterParams()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    BoosterParams(queue_name="q", qps="5")  # pyright: ignore[reportArgumentType]
    BoosterParams(queue_name="q", qqs=5)  # pyright: ignore[reportCallIssue]
    boost("q")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TaskOptions(countdown="soon")  # pyright: ignore[reportArgumentType]
    boost(BoosterParams(queue_name="q"))(1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


# -- methods: the instance is bound in a call, and given by hand to publish -------------------------------------------


class Shop:
    @boost(BoosterParams(queue_name="sell"))
    def sell(self, item: str, count: int = 1) -> float:
        return len(item) * count

    @staticmethod
    @boost(BoosterParams(queue_name="price"))
    def price(item: str) -> float:
        return float(len(item))


def methods(shop: Shop) -> None:
    assert_type(Shop.price("tea"), float)
    assert_type(Shop.price.push("tea").result, float)
    Shop.price.push(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(shop.sell("tea", 2), float)
    shop.sell(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(Shop.sell(shop, "tea"), float)
    assert_type(Shop.sell.push(shop, "tea", count=3).result, float)
    Shop.sell.push(shop, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
