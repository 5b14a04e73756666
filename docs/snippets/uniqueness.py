import time

from funboost import BoosterParams, PriorityConsumingControlConfig, boost

from funboost_core import default

seen = []


# region success
@boost(BoosterParams(queue_name="weather", do_task_filtering=True, task_filtering_expire_seconds=3600))
def weather(city: str, unit: str = "C") -> None:
    seen.append(("weather", city))


# endregion
# region running
@boost(BoosterParams(queue_name="sync", unique="while_running", unique_key="user"))
def sync(user: str, reason: str) -> None:
    seen.append(("sync", user))


# endregion
# region queued
@boost(BoosterParams(queue_name="rebuild", unique="while_queued"))
def rebuild(page: str) -> None:
    seen.append(("rebuild", page))


# endregion
# region period
@boost(BoosterParams(queue_name="alert", throttle_seconds=60, unique_key="host"))
def alert(host: str, load: float) -> None:
    seen.append(("alert", load))


@boost(BoosterParams(queue_name="save", debounce_seconds=0.5, unique_key="document"))
def save(document: str, text: str) -> None:
    seen.append(("save", text))


# endregion

if __name__ == "__main__":
    for task in (weather, sync, alert):
        task.consume()
    # region text
    weather.publish({"city": "Paris"}, priority_control_config=PriorityConsumingControlConfig(filter_str="FR-75"))
    weather.publish({"city": "paris"}, priority_control_config=PriorityConsumingControlConfig(filter_str="FR-75"))
    # endregion
    for _ in range(3):
        weather.push("Shenzhen")
    sync.push("ann", reason="login")
    sync.push("ann", reason="edit")  # waits for the first one, then runs too
    # region queued_result
    first, second = rebuild.push("index"), rebuild.push("index")
    assert first.task_id == second.task_id  # one message
    # endregion
    rebuild.consume()
    for load in (0.9, 0.95, 0.99):
        alert.push("db1", load)
    for text in ("D", "De", "Dear Ann"):
        save.push("letter", text)
    save.consume()

    expected = {
        ("weather", "Paris"): 1,
        ("weather", "Shenzhen"): 1,
        ("sync", "ann"): 2,
        ("rebuild", "index"): 1,
        ("alert", 0.9): 1,
        ("save", "Dear Ann"): 1,
    }
    deadline = time.monotonic() + 20
    while len(seen) < sum(expected.values()) and time.monotonic() < deadline:
        time.sleep(0.01)
    times = {what if what[1] != "paris" else ("weather", "Paris"): seen.count(what) for what in seen}
    assert times == expected, seen
    default().worker.stop()
