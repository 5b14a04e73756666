from funboost import BoosterParams, BrokerEnum, boost
from funboost_broker_mqtt.results import ResultTopic

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="sums",
        broker_kind=BrokerEnum.MQTT,
        is_using_rpc_mode=True,  # the result comes back here, too
        hooks=[ResultTopic("sums/{task_id}/result")],
    )
)
def add(x: int, y: int) -> int:
    return x + y


if __name__ == "__main__":
    add.consume()  # first: nothing is stored for those who come later
    assert add.push(1, y=2).result == 3
    default().worker.stop()
