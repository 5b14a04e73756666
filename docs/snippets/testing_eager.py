from funboost import BoosterParams, boost
from funboost_testing.eager import Eager


@boost(BoosterParams(queue_name="place_order", qps=1, max_retry_times=1, retry_interval=60))
def place_order(number):
    if number < 0:
        raise ValueError("no such order")
    send_mail.push(f"order {number} is placed")
    return "placed"


@boost(BoosterParams(queue_name="send_mail"))
def send_mail(text):
    print(text)


with Eager() as eager:  # in pytest: the fixture funboost_eager
    place_order.push(7)
    assert eager.published(place_order) == [{"number": 7}]
    assert eager.run() == 2  # the order, and the mail that it sent
    assert eager.results(place_order) == ["placed"]

    place_order.push(-1)
    eager.run()
    assert len(eager.runs(place_order)) == 2
    eager.clock.advance(60)  # the retry is due
    eager.run()
    assert [type(run.error) for run in eager.runs(place_order)[1:]] == [ValueError, ValueError]
    assert not eager.waiting(place_order)
