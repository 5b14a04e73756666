from funboost import BoosterParams, PriorityConsumingControlConfig, boost

from funboost_core import default

seen = []


@boost(BoosterParams(queue_name="orders", concurrent_num=1))
def order(customer: str) -> None:
    seen.append(customer)


if __name__ == "__main__":
    order.push("anybody")
    order.publish({"customer": "regular"}, priority_control_config=PriorityConsumingControlConfig(priority=1))
    order.publish({"customer": "vip"}, priority_control_config=PriorityConsumingControlConfig(priority=9))
    order.consume()
    order.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()

    assert seen == ["vip", "regular", "anybody"]
