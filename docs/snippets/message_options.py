import datetime

from funboost import BoosterParams, PriorityConsumingControlConfig, boost

from funboost_core import default

seen = []


@boost(BoosterParams(queue_name="mail", max_retry_times=5, concurrent_num=1, is_print_detail_exception=False))
def mail(to: str) -> None:
    seen.append(to)
    if to == "nobody":
        raise ValueError(to)


if __name__ == "__main__":
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
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
    assert seen == ["urgent", "ordinary", "nobody", "later", "at a time"]
    default().worker.stop()
