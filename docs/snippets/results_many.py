import threading

from funboost import AsyncResult, BoosterParams, boost
from funboost.core.exceptions import FunboostRpcResultError, FunboostWaitRpcResultTimeout

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="halve",
        is_using_rpc_mode=True,
        max_retry_times=0,
        concurrent_num=10,
        is_print_detail_exception=False,
    )
)
def halve(x: int) -> int:
    if x % 2:
        raise ValueError(f"{x} is odd")
    return x // 2


if __name__ == "__main__":
    halve.consume()

    results = [halve.push(x) for x in range(0, 20, 2)]
    answers = AsyncResult.batch_wait_rpc_data_or_raise(results)  # all are waited for at the same time
    assert [answer.result for answer in answers] == list(range(10))

    results = [halve.push(x) for x in (2, 3, 4)]
    for result in AsyncResult.as_completed(results, timeout=30):  # as they arrive, failed ones too
        print(result.task_id, result.is_success(), result.result)
    try:
        AsyncResult.batch_wait_rpc_data_or_raise(results)  # the first that fails raises at once
    except FunboostRpcResultError as error:
        print(error)  # {"task_id": "halve_result:…", "raw_error": "ValueError    3 is odd"}
    statuses = AsyncResult.batch_wait_rpc_data_or_raise(results, raise_exception=False)
    assert [status.success for status in statuses] == [True, False, True]

    called = threading.Event()
    halve.push(8).set_callback(lambda status: (print(status["result"]), called.set()))
    called.wait(30)

    task_id = halve.push(10).task_id  # text: give it to another process, which asks by it
    assert AsyncResult(task_id, timeout=30).result == 5

    nobody = AsyncResult("halve_result:no-such-task").set_timeout(0.1)
    assert nobody.is_pending()
    try:
        nobody.wait_rpc_data_or_raise()
    except FunboostWaitRpcResultTimeout as error:
        print(error)
    default().worker.stop()
