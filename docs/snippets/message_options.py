import datetime
import time

from funboost import BoosterParams, PriorityConsumingControlConfig, boost

from funboost_core import default

seen, times = [], {}


@boost(BoosterParams(queue_name="mail", max_retry_times=5, concurrent_num=1, is_print_detail_exception=False))
def mail(to: str) -> None:
    seen.append(to)
    times[to] = time.time()
    if to == "nobody":
        raise ValueError(to)


if __name__ == "__main__":
    began = time.time()
    soon = datetime.datetime.fromtimestamp(began + 3, datetime.timezone.utc)  # in whole seconds
    for to, options in {
        "ordinary": None,
        "urgent": PriorityConsumingControlConfig(priority=9),
        "nobody": PriorityConsumingControlConfig(max_retry_times=0),  # 0 counts: one run, not six
        "later": PriorityConsumingControlConfig(countdown=1),
        "at a time": PriorityConsumingControlConfig(eta=soon),
    }.items():
        mail.publish({"to": to}, priority_control_config=options)
    mail.consume()
    mail.wait_for_possible_has_finish_all_tasks(minutes=0.02)
    assert [to for to in seen if to not in {"later", "at a time"}] == ["urgent", "ordinary", "nobody"]
    assert len(seen) == 5
    assert times["later"] >= began + 1
    assert times["at a time"] >= int(began + 3)
    default().worker.stop()
