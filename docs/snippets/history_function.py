import asyncio
import time

from funboost import BoosterParams, FunctionResultStatus, boost

from funboost_core import default

rows = []


async def record(status: FunctionResultStatus) -> None:
    await asyncio.sleep(0)  # insert into a database of yours
    rows.append((status.params, status.success, status.result, status.time_cost))


@boost(BoosterParams(queue_name="double", user_custom_record_process_info_func=record))
def double(x: int) -> int:
    return 2 * x


if __name__ == "__main__":
    double.push(21)
    double.consume()
    while not rows:
        time.sleep(0.01)
    assert rows[0][:3] == ({"x": 21}, True, 42)
    default().worker.stop()
