import datetime

from funboost import BoosterParams, PriorityConsumingControlConfig, boost, fct

from funboost_core import default

seen = []


@boost(BoosterParams(queue_name="remind", msg_expire_seconds=60, is_print_detail_exception=False))
def remind(who: str) -> None:
    seen.append((who, "due_time" in fct.full_msg["extra"]))


def publish(who: str, **controls: object) -> None:
    remind.publish({"who": who}, priority_control_config=PriorityConsumingControlConfig(**controls))


if __name__ == "__main__":
    now = datetime.datetime.now(datetime.timezone.utc)
    publish("at once")
    publish("in a second", countdown=1)
    publish("at a time", eta=now + datetime.timedelta(seconds=2))  # whole seconds; with a zone it keeps its zone
    publish("a text", eta="2024-01-31 08:00:00")  # in the zone of the setting TIMEZONE; long past: at once
    publish("too late", eta="2024-01-31 08:00:00", misfire_grace_time=30)  # or not at all, more than 30 s late
    remind.consume()
    remind.wait_for_possible_has_finish_all_tasks(minutes=0.02)
    default().worker.stop()

    assert sorted(seen) == [("a text", True), ("at a time", True), ("at once", False), ("in a second", True)]
