from funboost import BoosterParams, BrokerEnum, boost
from funboost_broker_mqtt import ResultTopic

from funboost_core import default


@boost(BoosterParams(queue_name="sums", broker_kind=BrokerEnum.MQTT, hooks=[ResultTopic("sums/{task_id}/result")]))
def add(x: int, y: int) -> int:
    print(f"{x} + {y} = {x + y}")
    return x + y


if __name__ == "__main__":
    add.consume()  # first: nothing is stored for those who come later
    for n in range(3):
        add.push(n, y=n)
    add.wait_for_possible_has_finish_all_tasks(minutes=0.005)
    default().worker.stop()
