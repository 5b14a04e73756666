import logging

from funboost import BoosterParams, boost, fct


@boost(BoosterParams(queue_name="sum", log_level=logging.DEBUG, is_using_rpc_mode=True))
def add(x: int, y: int) -> int:
    fct.logger.info("adding %d and %d", x, y)
    return x + y


@boost(BoosterParams(queue_name="quiet", log_level=logging.ERROR))
def quiet(x: int) -> None:
    fct.logger.warning("nobody sees this")


if __name__ == "__main__":
    add.consume()
    assert add.push(1, y=2).result == 3
    assert add.consumer.logger.name == "funboost.SqliteQueueConsumer--sum"
    assert logging.getLogger().handlers == []  # the root logger is yours

    from funboost_core import default

    default().worker.stop()
