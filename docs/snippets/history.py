import time

from funboost import BoosterParams, FunctionResultStatusPersistenceConfig, ResultFromMongo, boost

from funboost_core import default

KEPT = FunctionResultStatusPersistenceConfig(
    is_save_status=True, is_save_result=True, expire_seconds=7 * 24 * 3600, is_use_bulk_insert=True
)


@boost(BoosterParams(queue_name="divide", history=KEPT, max_retry_times=1))
def divide(a: int, b: int) -> float:
    return a / b


if __name__ == "__main__":
    results = [divide.push(12, b) for b in (3, 0, 4)]
    divide.consume()
    history = default().state.history
    while len(history.search(queue="divide", running=False)) < 3:
        time.sleep(0.05)

    assert ResultFromMongo(results[0].task_id).get_result() == 4.0

    (failed,) = history.search(queue="divide", success=False)  # newest first
    assert (failed["task_id"], failed["exception_type"]) == (results[1].task_id, "ZeroDivisionError")
    assert failed["run_times"] == 2

    hour_ago = time.time() - 3600
    assert len(history.search(text='"b": 4', since=hour_ago)) == 1  # part of the arguments
    assert len(history.search(text="division by zero", limit=10, offset=0)) == 1  # part of the error
    default().worker.stop()
