from funboost import BoosterParams, BrokerEnum, boost

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="orders",
        broker_kind=BrokerEnum.KAFKA_CONFLUENT,
        is_using_rpc_mode=True,
        broker_exclusive_config={
            "group_id": "billing",
            "consumer_config": {"session.timeout.ms": 10_000},
            "producer_config": {"compression.type": "gzip"},
        },
    )
)
def bill(order: int, amount: int) -> int:
    return order + amount


if __name__ == "__main__":
    results = [bill.push(number, amount=100) for number in range(10)]
    bill.consume()
    assert [result.result for result in results] == [100 + number for number in range(10)]
    default().worker.stop()
