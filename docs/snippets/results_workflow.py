import asyncio

from funboost import (
    AioAsyncResult,
    AsyncResult,
    BoosterParams,
    ConcurrentModeEnum,
    FunboostRpcResultError,
    boost,
)

from funboost_core import default


class Step(BoosterParams):
    is_using_rpc_mode: bool = True
    max_retry_times: int = 0
    is_print_detail_exception: bool = False


@boost(Step(queue_name="download_video"))
def download_video(url: str) -> str:
    if url == "nowhere":
        raise FileNotFoundError(url)
    return f"/videos/{url}"


@boost(Step(queue_name="transform_video", concurrent_num=3))
def transform_video(file: str, resolution: str) -> str:
    return f"{file}_{resolution}"


@boost(Step(queue_name="publish_video", concurrent_num=500))  # its runs only wait: let many do so
def publish_video(url: str) -> list[str]:
    file = download_video.push(url).set_timeout(1000).wait_rpc_data_or_raise().result  # first this,
    parts = [transform_video.push(file, resolution) for resolution in ("360p", "720p", "1080p")]  # then these at once,
    return [part.result for part in AsyncResult.batch_wait_rpc_data_or_raise(parts)]  # then what all of them gave


@boost(Step(queue_name="aio_publish_video", concurrent_mode=ConcurrentModeEnum.ASYNC, concurrent_num=500))
async def aio_publish_video(url: str) -> list[str]:
    file = (await (await download_video.aio_push(url)).wait_rpc_data_or_raise()).result
    parts = [await transform_video.aio_push(file, resolution) for resolution in ("360p", "720p", "1080p")]
    return [part.result for part in await AioAsyncResult.batch_wait_rpc_data_or_raise(parts)]


async def main() -> None:
    results = [await aio_publish_video.aio_push(f"film{number}") for number in range(50)]
    for answer in await AioAsyncResult.batch_wait_rpc_data_or_raise(results):
        assert len(answer.result) == 3


if __name__ == "__main__":
    for step in (download_video, transform_video, publish_video, aio_publish_video):
        step.consume()

    assert publish_video.push("film").result == [f"/videos/film_{height}" for height in ("360p", "720p", "1080p")]
    asyncio.run(main())

    try:
        publish_video.push("nowhere").wait_rpc_data_or_raise()
    except FunboostRpcResultError as error:
        print(error)  # names the task that failed, within the one that waited for it
    default().worker.stop()
