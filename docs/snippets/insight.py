import time

from funboost import ActiveConsumerProcessInfoGetter, BoosterParams, boost

from funboost_core import default

done = []


@boost(BoosterParams(queue_name="resize"))
def resize(path: str) -> None:
    done.append(path)


if __name__ == "__main__":
    resize.push("a.png")
    resize.consume()
    while not done:
        time.sleep(0.01)

    health = default().worker.health()["resize"]  # of this process
    assert health.ok
    assert health.status == "consuming"

    getter = ActiveConsumerProcessInfoGetter()  # of all processes that share the state
    (consumer,) = getter.get_all_heartbeat_info_by_queue_name("resize")
    assert consumer["consuming_function"] == "resize"
    assert consumer["computer_ip"] in getter.get_all_ips()
    assert len(getter.get_all_heartbeat_info_by_ip()) == 1
    default().worker.stop()
