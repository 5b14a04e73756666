"""Workflows out of nothing but results that are waited for: the documented programs (chapters 4b.3 to 4b.5)."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from funboost import (
    AioAsyncResult,
    AsyncResult,
    BoosterParams,
    ConcurrentModeEnum,
    FunboostRpcResultError,
    FunboostWaitRpcResultTimeout,
    FunctionResultStatus,
    PriorityConsumingControlConfig,
    boost,
    fct,
)
from funboost_testing.clock import FakeClock

from funboost_core.consuming import cancelling

WAIT = 30
RESOLUTIONS = ["360p", "720p", "1080p"]


class MyBoosterParams(BoosterParams):
    is_using_rpc_mode: bool = True
    max_retry_times: int = 0
    is_print_detail_exception: bool = False


class Studio:
    """Downloads a video, converts it to three resolutions at once, tells somebody: in threads and in coroutines."""

    def __init__(self, environment):
        self.log = []

        def task(name, **params):
            return boost(MyBoosterParams(queue_name=name, **params), environment=environment)

        @task("download_video_queue")
        def download_video(url):
            if url == "nowhere":
                raise FileNotFoundError(url)
            fct.logger.info("downloaded %s", url)
            return f"/dir/vd0/{url}"

        converting = threading.Barrier(len(RESOLUTIONS))  # broken unless all three run at the same time

        @task("transform_video_queue")
        def transform_video(video_file, resolution="360p"):
            if "damaged" in video_file and resolution == "720p":
                raise ValueError(f"cannot read {video_file}")
            if "damaged" not in video_file:
                converting.wait(WAIT)
            return f"{video_file}_{resolution}"

        @task("send_finish_msg_queue")
        def send_finish_msg(transform_video_file_list: list, url):
            self.log.append((url, transform_video_file_list))
            return f"ok! {url}"

        @task("canvas_task_queue", concurrent_num=500)
        def canvas_task(url):
            r1: AsyncResult = download_video.push(url).set_timeout(1000)
            rpc_res_file: FunctionResultStatus = r1.wait_rpc_data_or_raise(raise_exception=True)
            r2_list: list[AsyncResult] = [
                transform_video.push(rpc_res_file.result, resolution=rel) for rel in RESOLUTIONS
            ]
            rpc_res_list = AsyncResult.batch_wait_rpc_data_or_raise(r2_list, raise_exception=True)
            transform_video_file_list = [one.result for one in rpc_res_list]
            r3 = send_finish_msg.push(transform_video_file_list, url)
            return r3.wait_rpc_data_or_raise(raise_exception=True).result

        @task("aio_canvas_task_queue", concurrent_mode=ConcurrentModeEnum.ASYNC, concurrent_num=500)
        async def aio_canvas_task(url):
            r1: AioAsyncResult = await download_video.aio_push(url)
            rpc_res_file: FunctionResultStatus = await r1.wait_rpc_data_or_raise(raise_exception=True)
            r2_list: list[AioAsyncResult] = [
                (await transform_video.aio_push(rpc_res_file.result, resolution=rel)).set_timeout(2000)
                for rel in RESOLUTIONS
            ]
            rpc_res_list = await AioAsyncResult.batch_wait_rpc_data_or_raise(r2_list, raise_exception=True)
            transform_video_file_list = [one.result for one in rpc_res_list]
            r3 = await send_finish_msg.aio_push(transform_video_file_list, url)
            return (await r3.wait_rpc_data_or_raise(raise_exception=True)).result

        self.workflows = {"sync": canvas_task, "async": aio_canvas_task}
        for consumed in (download_video, transform_video, send_finish_msg, canvas_task, aio_canvas_task):
            consumed.consume()


@pytest.fixture
def studio(environment):
    return Studio(environment)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_download_then_convert_at_once_then_tell(studio, how):
    r4 = studio.workflows[how].push("video_a").set_timeout(WAIT)
    status = r4.wait_rpc_data_or_raise(raise_exception=False)
    assert json.loads(status.to_pretty_json_str())["result"] == "ok! video_a"
    assert r4.rpc_data.time_cost > 0
    assert studio.log == [("video_a", [f"/dir/vd0/video_a_{resolution}" for resolution in RESOLUTIONS])]


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(
    ("url", "raw_error"),
    [
        ("nowhere", "FileNotFoundError    nowhere"),
        ("damaged", "ValueError    cannot read /dir/vd0/damaged"),
    ],
)
def test_a_step_that_fails_ends_the_workflow_and_is_named(studio, how, url, raw_error):
    r4 = studio.workflows[how].push(url).set_timeout(WAIT)
    with pytest.raises(FunboostRpcResultError) as caught:
        r4.wait_rpc_data_or_raise(raise_exception=True)
    chain = json.loads(str(caught.value))
    assert chain["task_id"] == r4.task_id
    assert chain["raw_error"]["raw_error"] == raw_error
    assert chain == r4.wait_rpc_data_or_raise(raise_exception=False).rpc_chain_error_msg_dict
    step = "download_video_queue" if url == "nowhere" else "transform_video_queue"
    assert chain["raw_error"]["task_id"].startswith(f"{step}_result:")
    assert studio.log == []


def test_many_workflows_at_once(environment):
    @boost(MyBoosterParams(queue_name="square", concurrent_num=4), environment=environment)
    def square(x):
        return x * x

    @boost(
        MyBoosterParams(queue_name="sum_squares", concurrent_mode=ConcurrentModeEnum.ASYNC, concurrent_num=500),
        environment=environment,
    )
    async def sum_squares(n):
        parts = [await square.aio_push(x) for x in range(n)]
        return sum(one.result for one in await AioAsyncResult.batch_wait_rpc_data_or_raise(parts))

    square.consume()
    sum_squares.consume()
    totals = [sum_squares.push(n).set_timeout(WAIT) for n in range(60)]
    assert [total.result for total in totals] == [sum(x * x for x in range(n)) for n in range(60)]


def test_a_next_step_after_ten_tasks(environment, calls):
    """Chapter 4b.4."""

    @boost(MyBoosterParams(queue_name="test_rpc_queue_a2", max_retry_times=5), environment=environment)
    def f2(y):
        return y * 10

    @boost(MyBoosterParams(queue_name="test_rpc_queue_a1", max_retry_times=5), environment=environment)
    def f1(x):
        async_result_list = [f2.push(x + i) for i in range(10)]
        for async_result in async_result_list:
            async_result.set_timeout(300)
            calls.add(async_result.task_id, async_result.status_and_result["result"], async_result.result)
        return "next"

    f1.consume()
    f2.consume()
    assert [f1.push(j).set_timeout(WAIT).result for j in range(3)] == ["next"] * 3
    results = [(known, asked) for _, known, asked in calls.seen]
    assert results == [((j + i) * 10,) * 2 for j in range(3) for i in range(10)]


def test_results_from_a_loop_of_ones_own(environment):
    """Chapters 4.6.5 and 4b.3: published without and with asyncio, awaited by id."""

    @boost(BoosterParams(queue_name="plain"), environment=environment)
    def plain(x):
        return f"plain {x}"

    @boost(MyBoosterParams(queue_name="aio", concurrent_mode=ConcurrentModeEnum.ASYNC), environment=environment)
    async def aio(x):
        await asyncio.sleep(0)
        return f"aio {x}"

    plain.consume()
    aio.consume()
    heard = []

    async def process_result(status_and_result: dict):
        heard.append(status_and_result["result"])

    async def get_result(i):
        options = PriorityConsumingControlConfig(is_using_rpc_mode=True)
        async_result = plain.publish({"x": i}, priority_control_config=options)
        aio_async_result = AioAsyncResult(async_result.task_id, environment=environment)
        assert await aio_async_result.result == f"plain {i}"
        assert (await aio_async_result.status_and_result)["success"]
        await aio_async_result.set_callback(process_result)
        return await (await aio.aio_push(i)).result

    async def main():
        assert await asyncio.gather(*(get_result(i) for i in range(50))) == [f"aio {i}" for i in range(50)]
        while len(heard) < 50:
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert sorted(heard) == sorted(f"plain {i}" for i in range(50))


def test_a_task_that_waits_for_its_own_full_queue_is_warned_of(environment, caplog):
    clock = environment.clock = FakeClock()
    both = threading.Barrier(2)

    @boost(MyBoosterParams(queue_name="nested", concurrent_num=2), environment=environment)
    def nested(depth):
        if depth:
            both.wait(WAIT)
            nested.push(depth - 1).set_timeout(0.5).wait_rpc_data_or_raise()

    nested.consume()
    outer = [nested.push(1).set_timeout(3600) for _ in range(2)]
    warned = "nested: every slot of this consumer (2)"
    while warned not in caplog.text:  # until it is, both wait: the clock stands still
        threading.Event().wait(0.005)
    ended = []

    def wait():
        with pytest.raises(FunboostRpcResultError, match=FunboostWaitRpcResultTimeout.__name__):
            AsyncResult.batch_wait_rpc_data_or_raise(outer)
        ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    while thread.is_alive():
        clock.advance(0.1)
        thread.join(0.01)
    assert ended
    assert caplog.text.count(warned) == 1


def test_a_run_that_waits_for_a_result_ends_at_its_deadline(environment, monkeypatch):
    monkeypatch.setattr(cancelling, "GRACE", 10 * WAIT)  # nobody takes it over: it ends because it can be interrupted

    @boost(MyBoosterParams(queue_name="waiter", function_timeout=0.2), environment=environment)
    def waiter():
        AsyncResult("nobody", timeout=10 * WAIT, environment=environment).get()

    waiter.consume()
    status = waiter.push().set_timeout(WAIT).status_and_result
    assert "function_timeout" in status["exception"]
    consumer = environment.worker.consumer("waiter")
    assert not consumer.canceller.abandoned  # it could be interrupted while it waited
