import asyncio
import time

from funboost import AioAsyncResult, BoosterParams, boost, fct

from funboost_core import default


@boost(BoosterParams(queue_name="convert", is_using_rpc_mode=True))
def convert(pages: int) -> str:
    for page in range(pages):
        time.sleep(0.02)  # the work
        fct.report_progress({"done": page + 1, "of": pages})
    return "converted"


async def follow(task_id: str) -> list[dict]:
    result = AioAsyncResult(task_id)
    return [progress async for progress in result.follow_progress()]


if __name__ == "__main__":
    convert.consume()

    result = convert.push(20)
    for progress in result.follow_progress(interval=0.05):  # each value that is seen; ends with the result
        print(f"{progress['done']} of {progress['of']}")
    assert result.result == "converted"

    assert result.progress == {"done": 20, "of": 20}  # the last one, without waiting
    assert asyncio.run(follow(result.task_id)) == [{"done": 20, "of": 20}]
    default().worker.stop()
