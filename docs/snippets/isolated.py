import os
import time

from funboost import BoosterParams, TaskOptions, boost

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="convert",
        isolation="process",
        isolation_memory_mb=500,
        function_timeout=60,
        max_retry_times=0,
        concurrent_num=2,
        is_using_rpc_mode=True,
    )
)
def convert(how: str) -> int:
    if how == "hang":
        time.sleep(3600)
    if how == "crash":
        os._exit(7)
    if how == "grow":
        return len(bytearray(4_000_000_000))
    return os.getpid()


if __name__ == "__main__":
    convert.consume()
    results = {how: convert.push(how) for how in ("well", "crash", "grow")}
    results["hang"] = convert.publish({"how": "hang"}, options=TaskOptions(function_timeout=0.5))
    assert results["well"].is_success()
    assert results["well"].result != os.getpid()
    failed = {how: results[how].status_and_result["exception_type"] for how in ("hang", "crash", "grow")}
    assert failed["hang"] == "TaskTimeout"
    assert failed["crash"] == "ProcessDied"
    assert failed["grow"] in {"MemoryError", "ProcessDied"}
    default().worker.stop()
