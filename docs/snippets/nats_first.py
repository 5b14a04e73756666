from funboost import BoosterParams, BrokerEnum, boost

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="sums",
        broker_kind=BrokerEnum.NATS,
        is_using_rpc_mode=True,
        broker_exclusive_config={"receive_ahead": 100},
    )
)
def add(x: int, y: int) -> int:
    return x + y


if __name__ == "__main__":
    add.consume()  # first: nothing is stored for those who come later
    assert add.push(1, y=2).result == 3
    default().worker.stop()
