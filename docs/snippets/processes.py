import os

from funboost import BoosterParams, boost

from funboost_core import default


@boost(BoosterParams(queue_name="square", concurrent_num=10, is_using_rpc_mode=True))
def square(x: int) -> dict:
    return {"square": x * x, "process": os.getpid()}


if __name__ == "__main__":
    results = [square.push(x) for x in range(20)]
    square.multi_process_consume(2)
    answers = [result.result for result in results]
    assert [answer["square"] for answer in answers] == [x * x for x in range(20)]
    assert os.getpid() not in {answer["process"] for answer in answers}
    default().worker.stop()
