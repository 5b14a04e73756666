from funboost import BoosterParams, BrokerEnum, boost

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="letters",
        broker_kind=BrokerEnum.RABBITMQ_AMQPSTORM,  # or RABBITMQ_PIKA
        broker_exclusive_config={"x-max-priority": 5},
        is_using_rpc_mode=True,
    )
)
def send(number: int) -> str:
    return f"letter {number} is sent"


if __name__ == "__main__":
    send.consume()
    assert send.push(7).result == "letter 7 is sent"
    default().worker.stop()
