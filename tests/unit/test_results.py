"""results: waiting for what a task returned, falsy results included, with and without asyncio."""

from __future__ import annotations

import asyncio
import json

import pytest

from funboost_core import AioAsyncResult, AsyncResult, ResultError, ResultTimeout, callbacks, fct
from funboost_core.errors import NotSerializable, TaskFailed
from funboost_core.native import Event, Thread, sleep

PATIENCE = 30


def status(result=None, success=True, task_id="t", exception=None):
    return {
        "task_id": task_id,
        "result": result,
        "success": success,
        "run_status": "finish",
        "exception": exception,
        "exception_msg": exception and exception.partition("    ")[2],
    }


@pytest.fixture
def replies(program):
    return program.environment.state.replies


def put(replies, task_id="t", **values):
    replies.put(task_id, json.dumps(status(task_id=task_id, **values)).encode(), 600)


def result_of(program, task_id="t", timeout=120.0, rpc=True):
    return AsyncResult(task_id, timeout, program.environment, rpc)


def aio_result_of(program, task_id="t", timeout=120.0, rpc=True):
    return AioAsyncResult(task_id, timeout, program.environment, rpc)


VALUES = [None, 0, False, "", [], {}, 7, "text", [1, {"a": None}], 2**70]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_result_comes_back_falsy_ones_too(program, replies, value):
    put(replies, result=value)
    result = result_of(program)
    assert result.result == value
    assert result.get() == value
    assert result.is_pending() is False
    assert result.is_success() is True
    assert result.status_and_result["result"] == value
    assert result.status_and_result_obj.result == value
    assert result.rpc_data.success is True
    assert result.wait_rpc_data_or_raise().result == value
    assert len(replies.asked) == 1  # the answer is kept


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_same_for_coroutines(program, replies, value):
    put(replies, result=value)

    async def ask():
        result = aio_result_of(program)
        assert await result.result == value
        assert await result.get() == value
        assert await result.is_pending() is False
        assert await result.is_success() is True
        assert (await result.status_and_result)["result"] == value
        assert (await result.status_and_result_obj).result == value
        assert (await result.rpc_data).success is True
        assert (await result.wait_rpc_data_or_raise()).result == value

    asyncio.run(ask())


def test_a_result_is_waited_for(program, replies):
    answers = []
    thread = Thread(target=lambda: answers.append(result_of(program).result), daemon=True)
    thread.start()
    program.clock.until_waiting(1)
    put(replies, result=5)
    thread.join(PATIENCE)
    assert answers == [5]


def test_the_time_out_is_an_error_that_says_what_to_look_for(program, replies):
    raised = []

    def ask():
        try:
            result_of(program, timeout=3).get()
        except ResultTimeout as error:
            raised.append(error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    program.clock.until_waiting(1)
    program.clock.advance(3)
    thread.join(PATIENCE)
    assert isinstance(raised[0], TimeoutError)
    assert "No result of task t arrived within 3 seconds" in str(raised[0])
    assert "is_using_rpc_mode=True" in str(raised[0])
    assert replies.asked == [("t", 3)]


def test_no_time_to_wait(program):
    result = result_of(program).set_timeout(0)
    assert result.is_pending() is True
    assert result.status_and_result is None
    assert result.status_and_result_obj is None
    for ask in (result.get, result.is_success, result.wait_rpc_data_or_raise):
        with pytest.raises(ResultTimeout):
            ask()

    async def ask_again():
        result = aio_result_of(program).set_timeout(0)
        assert await result.is_pending() is True
        assert await result.status_and_result is None
        assert await result.rpc_data is None
        with pytest.raises(ResultTimeout):
            await result.get()

    asyncio.run(ask_again())


def test_without_rpc_there_is_nothing_to_wait_for_and_that_is_said_at_once(program, replies):
    result = result_of(program, rpc=False)
    for ask in (result.get, result.is_pending, result.is_success, result.wait_rpc_data_or_raise):
        with pytest.raises(ResultError, match="Task t sends no result back. Set is_using_rpc_mode=True"):
            ask()
    with pytest.raises(ResultError):
        asyncio.run(aio_result_of(program, rpc=False).get())
    assert replies.asked == []


def test_a_failed_run(program, replies):
    put(replies, result="FUNC_RUN_ERROR", success=False, exception="ValueError    no")
    result = result_of(program)
    assert result.result == "FUNC_RUN_ERROR"
    assert result.is_success() is False
    with pytest.raises(TaskFailed) as caught:
        result.wait_rpc_data_or_raise()
    assert json.loads(str(caught.value)) == {"task_id": "t", "raw_error": "ValueError    no"}
    quiet = result.wait_rpc_data_or_raise(raise_exception=False)
    assert quiet.success is False
    assert quiet.rpc_chain_error_msg_dict == {"task_id": "t", "raw_error": "ValueError    no"}
    with pytest.raises(TaskFailed):
        asyncio.run(aio_result_of(program).wait_rpc_data_or_raise())


def test_many_at_once(program, replies):
    for number in range(5):
        put(replies, f"t{number}", result=number)
    results = [result_of(program, f"t{number}") for number in range(5)]
    assert [one.result for one in AsyncResult.batch_wait_rpc_data_or_raise(results)] == [0, 1, 2, 3, 4]

    async def ask():
        results = [aio_result_of(program, f"t{number}") for number in range(5)]
        return await AioAsyncResult.batch_wait_rpc_data_or_raise(results)

    assert [one.result for one in asyncio.run(ask())] == [0, 1, 2, 3, 4]


def test_ids_that_are_no_text_are_looked_up_as_text(program, replies):
    put(replies, "7", result=1)
    assert result_of(program, 7).result == 1


def test_callbacks_get_the_status_and_their_errors_are_logged(program, replies, caplog):
    from concurrent.futures import ThreadPoolExecutor

    told, failed = [], Event()
    put(replies, result=5)
    result = result_of(program)

    def fail(status):
        raise RuntimeError("in the callback")

    with ThreadPoolExecutor(1) as executor:
        result.callback_run_executor = executor
        result.set_callback(told.append)
        result.set_callback(fail)
        executor.submit(failed.set)
        assert failed.wait(PATIENCE)
    assert told[0]["result"] == 5
    assert "The callback for the result of t failed" in caplog.text


def test_callbacks_of_coroutines(program, replies, caplog):
    put(replies, result=5)

    async def ask():
        told, both = [], asyncio.Event()

        async def good(status):
            told.append(status["result"])

        async def bad(status):
            both.set()
            raise RuntimeError("in the callback")

        await aio_result_of(program).set_callback(good)
        await aio_result_of(program).set_callback(bad)
        await asyncio.wait_for(both.wait(), PATIENCE)
        while not told:
            await asyncio.sleep(0)
        return told

    assert asyncio.run(ask()) == [5]
    assert "failed" in caplog.text


def test_the_repr_names_the_task(program):
    assert repr(result_of(program, "q:1")) == "AsyncResult('q:1')"
    assert repr(aio_result_of(program, "q:1")) == "AioAsyncResult('q:1')"


def test_results_come_in_the_order_in_which_they_arrive(program, replies):
    for number in (2, 0, 1):
        put(replies, f"t{number}", result=number)
    results = [result_of(program, f"t{number}") for number in range(3)]
    assert results[1].result == 1
    arrived = list(AsyncResult.as_completed(results))
    assert arrived[0] is results[1]  # it was known
    assert sorted(result.result for result in arrived) == [0, 1, 2]
    assert list(AsyncResult.as_completed([])) == []

    async def ask():
        pending = [aio_result_of(program, f"u{number}") for number in range(3)]
        order = []
        put(replies, "u2", result=2)
        async for result in AioAsyncResult.as_completed(pending):
            order.append(await result.result)
            if len(order) < 3:
                program.clock.until_waiting(1, PATIENCE)
                put(replies, f"u{2 - len(order)}", result=2 - len(order))
                program.clock.advance(1)
        return order

    assert asyncio.run(ask()) == [2, 1, 0]


def test_a_result_that_does_not_arrive_ends_the_waiting_for_all(program, replies):
    put(replies, "there", result=1)
    results = [result_of(program, "there"), result_of(program, "missing").set_timeout(5)]
    arriving = AsyncResult.as_completed(results, timeout=0)
    assert next(arriving).result == 1
    with pytest.raises(ResultTimeout, match="missing"):
        next(arriving)
    assert len(program.environment.mailbox) == 0

    async def ask():
        results = [aio_result_of(program, name) for name in ("missing", "missing too")]
        async for _ in AioAsyncResult.as_completed(results, timeout=0):
            pass

    with pytest.raises(ResultTimeout):
        asyncio.run(ask())
    with pytest.raises(ResultError, match="sends no result back"):
        list(AsyncResult.as_completed([result_of(program, rpc=False)]))
    assert len(program.environment.mailbox) == 0


def test_the_first_failure_ends_the_waiting_for_many(program, replies):
    put(replies, "bad", result="FUNC_RUN_ERROR", success=False, exception="ValueError    no")
    names = ["never", "bad", "never either"]
    with pytest.raises(TaskFailed, match="ValueError"):
        AsyncResult.batch_wait_rpc_data_or_raise([result_of(program, name) for name in names])

    async def ask():
        await AioAsyncResult.batch_wait_rpc_data_or_raise([aio_result_of(program, name) for name in names])

    with pytest.raises(TaskFailed, match="ValueError"):
        asyncio.run(ask())
    assert len(program.environment.mailbox) == 0


def test_a_callback_gets_none_after_the_time_out(program, caplog):
    told, called = [], Event()

    def tell(status):
        told.append(status)
        called.set()

    result_of(program).set_timeout(0).set_callback(tell)
    assert called.wait(PATIENCE)
    assert told == [None]
    with pytest.raises(ResultError):
        result_of(program, rpc=False).set_callback(tell)


def test_callbacks_that_begin_at_the_same_time_share_their_threads(monkeypatch):
    """Another one begins just while the first makes them, or (0.3 s) has to wait for it."""
    found, others = [], []

    def meanwhile(end):
        others.append(Thread(target=lambda: found.append(callbacks._shared())))
        if len(others) == 1:
            others[0].start()
            others[0].join(0.3)

    monkeypatch.setattr(callbacks, "_executor", None)
    monkeypatch.setattr("funboost_core.lifetime.at_exit", meanwhile)
    mine = callbacks._shared()
    others[0].join()
    assert found == [mine]
    assert len(others) == 1


def test_a_thousand_callbacks_wait_on_no_thread_of_their_own(program, replies):
    import threading

    before, told = threading.active_count(), []
    done = threading.Semaphore(0)

    def tell(status):
        told.append(status["result"])
        done.release()

    for number in range(1000):
        result_of(program, f"t{number}", timeout=1e6).set_callback(tell)
    assert threading.active_count() - before <= 1
    for number in range(1000):
        put(replies, f"t{number}", result=number)
    for _ in range(1000):
        while not done.acquire(timeout=0.01):
            program.clock.advance(1)  # again: it may be about to wait
    assert sorted(told) == list(range(1000))


def test_a_program_does_not_end_before_its_callbacks_were_called(run_python):
    code = """
from support.program import Program
from funboost_core import AsyncResult, clock
from funboost_core.native import Event, Thread, sleep

program, said = Program(clock=clock.Clock()), Event()
AsyncResult("t", 60, program.environment).set_callback(lambda status: print("called", status["result"]))

def reply():
    said.wait()
    sleep(0.2)
    program.environment.state.replies.put("t", b'{"result": 7}', 60)

Thread(target=reply, daemon=True).start()
print("the main thread ends")
said.set()
"""
    assert run_python(code).splitlines() == ["the main thread ends", "called 7"]


@pytest.fixture
def passing(program):
    """The time passes by itself."""
    over = Event()

    def tick():
        while not over.wait(0.001):
            program.clock.advance(0.001)

    thread = Thread(target=tick, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(PATIENCE)


@pytest.mark.usefixtures("passing")
def test_progress_is_seen_while_the_task_runs_and_after(program, replies):
    go_on = Event()

    def work(x):
        fct.report_progress({"done": x})
        assert go_on.wait(PATIENCE)
        fct.report_progress("all")
        return "end"

    task = program.booster(work, is_using_rpc_mode=True)
    result = task.push(1)
    assert result.progress is None
    program.environment.worker.consume(task.task)
    following = result.follow_progress(interval=0.001)
    seen = []
    for value in following:
        seen.append(value)
        go_on.set()
    assert seen[0] == {"done": 1}
    assert seen[-1] == result.progress == "all"
    assert result.result == "end"

    async def ask():
        answer = aio_result_of(program, result.task_id)
        return await answer.progress, [value async for value in answer.follow_progress()]

    assert asyncio.run(ask()) == ("all", ["all"])


def test_progress_needs_no_rpc_mode_and_says_what_it_cannot_carry(program):
    def work(x):
        with pytest.raises(NotSerializable, match="progress"):
            fct.report_progress(object())
        fct.report_progress(0)

    task = program.booster(work)
    result = task.push(1)
    program.environment.worker.consume(task.task)
    for _ in range(PATIENCE * 1000):
        if result.progress is not None:
            break
        sleep(0.001)  # nobody is told of progress
    assert result.progress == 0
    with pytest.raises(ResultError):
        next(result.follow_progress())
    with pytest.raises(LookupError):
        fct.report_progress(1)


def test_following_ends_with_the_time_out(program):
    with pytest.raises(ResultTimeout):
        list(result_of(program).set_timeout(0).follow_progress())

    async def follow():
        return [value async for value in aio_result_of(program).set_timeout(0).follow_progress()]

    with pytest.raises(ResultTimeout):
        asyncio.run(follow())
