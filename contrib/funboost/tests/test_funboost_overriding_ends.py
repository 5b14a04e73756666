"""Consumers with overridden methods that end while something is being taken or settled: nothing is lost, nothing twice."""

from __future__ import annotations

import threading

import pytest
from funboost import AbstractConsumer, ExceptionForRequeue
from funboost.overriding import broker as broker_module
from funboost.overriding.broker import OverriddenBroker
from funboost.overriding.handover import HandOver
from overriding_classes import elsewhere, of, source

from funboost_core.errors import FunboostError

WAIT = 40


def submitting(requeued, count=1, **methods):
    """A consumer's class whose loop hands over `count` messages, and then waits for its end."""

    def loop(consumer):
        while consumer.left:
            consumer.left -= 1
            consumer._submit_task({"body": '{"x": 1}'})
        methods["end"].wait(WAIT)

    class Consumer(source(requeued, loop=loop)):
        left = count

    for name in methods.keys() - {"end"}:
        setattr(Consumer, name, methods[name])
    return Consumer


def test_what_is_just_being_acknowledged_is_not_given_back_by_the_end(environment, queue):
    requeued, acknowledged, end = [], threading.Event(), threading.Event()

    def confirm(consumer, kw):
        elsewhere(consumer._broker.close)  # as when the time to drain is over
        acknowledged.set()

    f = of(submitting(requeued, end=end, _confirm_consume=confirm), environment, queue, lambda x: None)
    f.consume()
    assert acknowledged.wait(WAIT)
    end.set()
    environment.worker.stop()
    assert requeued == []


def test_what_cannot_be_put_back_when_the_end_has_passed_is_tried_once_more(environment, queue):
    requeued, end, tries = [], threading.Event(), []
    done = threading.Event()

    def requeue(consumer, kw):
        tries.append(kw)
        if len(tries) == 1:
            elsewhere(consumer._broker.close)
            raise FunboostError("not now")
        requeued.append(kw["body"]["x"])
        done.set()

    def again(x):
        raise ExceptionForRequeue

    methods = {"_requeue": requeue, "_confirm_consume": lambda consumer, kw: None}
    f = of(submitting(requeued, end=end, **methods), environment, queue, again)
    f.consume()
    assert done.wait(WAIT)
    end.set()
    environment.worker.stop()
    assert requeued == [1]


@pytest.mark.parametrize("acknowledging", [True, False])
def test_what_is_taken_while_the_end_passes_is_given_back(acknowledging, environment, queue, monkeypatch):
    requeued, end, taking, go = [], threading.Event(), threading.Event(), threading.Event()
    given_back, take = threading.Event(), HandOver.take

    def slowly(hand_over, limit, timeout):
        taken = take(hand_over, limit, timeout)
        if taken:
            taking.set()
            assert go.wait(WAIT)
        return taken

    def requeue(consumer, kw):
        requeued.append(kw["body"]["x"])
        given_back.set()

    monkeypatch.setattr(HandOver, "take", slowly)
    methods = {"_confirm_consume": lambda consumer, kw: None} if acknowledging else {}
    f = of(submitting([], end=end, _requeue=requeue, **methods), environment, queue, lambda x: None)
    f.consume()
    assert taking.wait(WAIT)
    environment.worker.stop(0.01)
    go.set()
    assert given_back.wait(WAIT)
    end.set()
    assert requeued == [1]


def test_no_loop_begins_when_the_end_has_passed(environment, queue, monkeypatch):
    looping, listening, go, over = [], threading.Event(), threading.Event(), threading.Event()
    listen = OverriddenBroker.listen

    def slowly(broker):
        listening.set()
        assert go.wait(WAIT)
        listen(broker)
        thread = handover_threads[0]
        thread.join(WAIT)
        over.set()

    handover_threads, start = [], broker_module.feed

    def feed(loop, hand_over, context):
        handover_threads.append(start(loop, hand_over, context))

    monkeypatch.setattr(OverriddenBroker, "listen", slowly)
    monkeypatch.setattr(broker_module, "feed", feed)
    f = of(source(loop=looping.append), environment, queue, lambda x: None)
    f.consume()
    assert listening.wait(WAIT)
    environment.worker.stop(0.01)
    go.set()
    assert over.wait(WAIT)
    assert looping == []


def test_a_late_acknowledgement_does_not_reach_the_next_broker(declare, environment, calls):
    reached, acknowledged = [], threading.Event()

    class Late(AbstractConsumer):
        def _confirm_consume(self, kw):
            following = self._boosted().task.make_broker()
            following.listen()  # consuming has begun again meanwhile
            following.beneath.ack = reached.append
            super()._confirm_consume(kw)
            following.close()
            acknowledged.set()

    f = declare(lambda x: calls.add(x), Late, broker_kind="SQLITE_QUEUE")
    f.push(1)
    f.consume()
    assert acknowledged.wait(WAIT)
    environment.worker.stop()
    assert (reached, f.get_message_count()) == ([], 0)
