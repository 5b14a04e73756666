import threading

from funboost import BoosterParams, boost
from funboost.concurrent_pool import FlexibleThreadPool

from funboost_core import default

pool = FlexibleThreadPool(300)
done = []


@boost(BoosterParams(queue_name="first", specify_concurrent_pool=pool, qps=30))
def first(x: int) -> None:
    done.append(threading.current_thread().name)


@boost(BoosterParams(queue_name="second", specify_concurrent_pool=pool))
async def second(x: int) -> None:
    done.append(threading.current_thread().name)


if __name__ == "__main__":
    for f in (first, second):
        f.push(1)
        f.consume()
    pool.submit(print, "it runs other functions too")
    for f in (first, second):
        f.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    assert done == ["funboost-flexible"] * 2
    default().worker.stop()
