from funboost import BoosterParams, ExceptionForPushToDlxqueue, boost

from funboost_core import default, redrive


@boost(BoosterParams(queue_name="invoice", dead_letter_for=(ValueError,), is_print_detail_exception=False))
def invoice(amount: int) -> None:
    if amount < 0:
        raise ValueError("a negative amount")
    if amount == 0:
        raise ExceptionForPushToDlxqueue("nothing to pay")


if __name__ == "__main__":
    for amount in (-1, -2, 0, 5):
        invoice.push(amount)
    invoice.send_msg(b"\xff what is this")  # cannot be decoded
    invoice.consume()
    invoice.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()

    dead = redrive("invoice", dry_run=True)  # nothing moves
    assert dead == 4
    assert dead.reasons["ValueError makes a dead letter at once"] == 2
    assert dead.reasons["the task asked for it"] == 1

    assert redrive("invoice", reason="negative", limit=1) == 1  # in the reason or in the error
    assert redrive("invoice") == 3  # the rest, undecodable bytes exactly as they came
    assert invoice.get_message_count() == 4
