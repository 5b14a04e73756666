from funboost import BoosterParams, ExceptionForPushToDlxqueue, ExceptionForRequeue, boost, fct

from funboost_core import default, redrive

busy = [True]


@boost(
    BoosterParams(
        queue_name="charge",
        max_retry_times=2,
        retry_interval=0.1,
        is_push_to_dlx_queue_when_retry_max_times=True,
        is_print_detail_exception=False,
    )
)
def charge(customer: str) -> None:
    print("charge", customer, fct.task_id)
    if customer == "unknown":
        raise ExceptionForPushToDlxqueue("no such customer")  # at once, no retry
    if customer == "busy" and busy and busy.pop():
        raise ExceptionForRequeue("another turn, please")  # back into the queue; no retry is used up
    if customer == "poor":
        raise ValueError("not enough money")  # runs three times, then it is a dead letter


if __name__ == "__main__":
    for customer in ("rich", "unknown", "busy", "poor"):
        charge.push(customer)
    charge.consume()
    charge.wait_for_possible_has_finish_all_tasks(minutes=0.02)
    default().worker.stop()

    assert redrive("charge") == 2  # "unknown" and "poor" go back into the queue
    assert charge.get_message_count() == 2
