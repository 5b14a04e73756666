import time

from funboost import BoosterParams, boost

from funboost_core import default

starts = []


@boost(BoosterParams(queue_name="prices", rate_group="shop-api", qps=20))
def prices(page: int) -> None:
    starts.append(time.monotonic())


@boost(BoosterParams(queue_name="stock", rate_group="shop-api", qps=20))
def stock(page: int) -> None:
    starts.append(time.monotonic())


if __name__ == "__main__":
    for task in (prices, stock):
        task.push_many([{"page": n} for n in range(20)])
        task.consume()
    while len(starts) < 40:
        time.sleep(0.01)
    assert max(starts) - min(starts) > 1.2  # forty starts at twenty a second, whichever queue they are of

    stock.change_qps(1000)  # of the group: prices follows
    prices.push_many([{"page": n} for n in range(200)])
    while len(starts) < 240:
        time.sleep(0.01)
    default().worker.stop()
