import sqlite3

from funboost import BoosterParams, boost, fct

from funboost_core import default

bank = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
bank.execute("CREATE TABLE booked(task_id TEXT PRIMARY KEY, amount INTEGER)")


@boost(BoosterParams(queue_name="book", is_using_rpc_mode=True))
def book(amount: int) -> None:
    # The second run of the same message finds its own id and changes nothing.
    bank.execute("INSERT OR IGNORE INTO booked VALUES (?, ?)", (fct.task_id, amount))


if __name__ == "__main__":
    book.consume()
    first = book.publish({"amount": 100}, task_id="invoice-1")
    assert first.is_success()
    book.publish({"amount": 100}, task_id="invoice-1")  # the same once more
    assert book.push(7).is_success()
    book.wait_for_possible_has_finish_all_tasks(minutes=0.005)
    assert bank.execute("SELECT sum(amount) FROM booked").fetchone() == (107,)
    default().worker.stop()
