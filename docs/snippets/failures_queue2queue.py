from funboost import BoosterParams, BrokerEnum, boost
from funboost.contrib.queue2queue import consume_and_push_to_another_queue

from funboost_core import default


@boost(BoosterParams(queue_name="old", broker_kind=BrokerEnum.MEMORY_QUEUE))
def old(x: int) -> None: ...


@boost(BoosterParams(queue_name="new", broker_kind=BrokerEnum.SQLITE_QUEUE))
def new(x: int) -> None: ...


if __name__ == "__main__":
    old.push_many([{"x": x} for x in range(10)])
    consume_and_push_to_another_queue("old", BrokerEnum.MEMORY_QUEUE, "new", BrokerEnum.SQLITE_QUEUE)
    while new.get_message_count() < 10:  # it goes on until it is stopped
        pass
    default().worker.stop()
    assert old.get_message_count() == 0
