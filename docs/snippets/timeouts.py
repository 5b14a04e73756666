import time

from funboost import BoosterParams, TaskOptions, boost

from funboost_core import default


@boost(BoosterParams(queue_name="crawl", function_timeout=1, max_retry_times=1, is_using_rpc_mode=True))
def crawl(url: str, seconds: float) -> str:
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(0.01)
    return f"{url} done"


if __name__ == "__main__":
    crawl.consume()
    quick, slow = crawl.push("/quick", seconds=0), crawl.push("/slow", seconds=60)
    patient = crawl.publish({"url": "/patient", "seconds": 1.5}, options=TaskOptions(function_timeout=0))
    assert quick.result == "/quick done"
    status = slow.status_and_result
    assert (status["exception_type"], status["run_times"]) == ("TaskTimeout", 2)  # it was retried
    assert patient.result == "/patient done"  # 0 in the message: no limit
    default().worker.stop()
