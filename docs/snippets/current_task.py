import threading

from funboost import BoosterParams, boost, fct

from funboost_core import default

seen = []


def helper() -> None:
    seen.append((fct.queue_name, fct.function_params, fct.full_msg["extra"]["task_id"] == fct.task_id))


@boost(BoosterParams(queue_name="tell", is_using_rpc_mode=True))
def tell(x: int) -> str:
    helper()
    thread = threading.Thread(target=fct.bind(helper))  # a thread of your own: bind what it calls
    thread.start()
    thread.join()
    fct.logger.info("this is %s", fct.task_id)
    return fct.task_id


if __name__ == "__main__":
    tell.consume()
    result = tell.push(1)
    assert result.result == result.task_id
    assert seen == [("tell", {"x": 1}, True)] * 2
    default().worker.stop()
