from funboost import BoosterParams, BrokerEnum, boost

from funboost_core import default


@boost(BoosterParams(queue_name="orders", broker_kind=BrokerEnum.REDIS_ACK_ABLE, is_using_rpc_mode=True))
def order(number: int, gift: bool = False) -> str:
    return f"{number} packed{' as a gift' if gift else ''}"


if __name__ == "__main__":
    order.consume()
    assert order.push(7, gift=True).result == "7 packed as a gift"
    default().worker.stop()
