import asyncio

from funboost import BoosterParams, boost
from funboost.core.exceptions import FunboostRpcResultError

from funboost_core import default


@boost(BoosterParams(queue_name="divide", is_using_rpc_mode=True, max_retry_times=0, is_print_detail_exception=False))
def divide(x: float, y: float) -> float:
    return x / y


async def from_a_coroutine() -> float:
    result = await divide.aio_push(9, y=3)
    return await result.result


if __name__ == "__main__":
    divide.consume()

    good = divide.push(6, y=3)
    assert good.result == 2  # waits, 120 seconds at most
    assert good.is_success()
    assert good.status_and_result["run_times"] == 1

    bad = divide.push(1, y=0)
    assert bad.result == "FUNC_RUN_ERROR"
    assert bad.status_and_result["exception_type"] == "ZeroDivisionError"
    try:
        bad.wait_rpc_data_or_raise()
    except FunboostRpcResultError as error:
        print(error)

    assert asyncio.run(from_a_coroutine()) == 3
    default().worker.stop()
