# region program
from funboost import BoosterParams, boost


@boost(BoosterParams(queue_name="add", qps=5, max_retry_times=2))
def add(x: int, y: int) -> int:
    print(f"{x} + {y} = {x + y}")
    return x + y


if __name__ == "__main__":
    for number in range(10):
        add.push(number, y=number)
    add.consume()
    # endregion
    from funboost_core import default

    add.wait_for_possible_has_finish_all_tasks(minutes=0.005)
    assert add(1, y=2) == 3
    assert add.get_message_count() == 0
    default().worker.stop()
