"""A broker without THREADSAFE_ACK is settled only by the thread that fetches, between two fetches."""

from __future__ import annotations

import threading

from funboost_testing.clock import RealTimeClock

from funboost_core import DeadLetterTask, RequeueTask

PATIENCE = 30


def watched(broker_class, wrong):
    """Let the broker note what is settled by a thread while another one fetches."""
    lock, fetching = threading.Lock(), set()

    def fetch(self, limit, timeout, original=broker_class.fetch):
        with lock:
            fetching.add(threading.get_ident())
        try:
            return original(self, limit, timeout)
        finally:
            with lock:
                fetching.discard(threading.get_ident())

    broker_class.fetch = fetch

    def guarded(name, original):
        def settle(self, *args):
            with lock:
                if fetching:
                    wrong.append(name)
            return original(self, *args)

        return settle

    for name in ("ack", "requeue", "forward"):
        setattr(broker_class, name, guarded(name, getattr(broker_class, name)))


def test_it_is_settled_also_while_nothing_may_be_fetched(make_program):
    """Paused for hours, a queue must not owe its broker what has ended meanwhile."""
    program, wrong = make_program(RealTimeClock(), BROKER_KIND="FETCHER_ONLY"), []
    running, ended = threading.Semaphore(0), threading.Event()
    server = program.server
    watched(program.environment.catalog.find("brokers", "FETCHER_ONLY").factory, wrong)

    def decide(x, y=0):
        running.release()
        ended.wait(PATIENCE)
        if x == 2:
            raise DeadLetterTask

    booster = program.booster(decide, concurrent_num=3)
    booster.push_many([{"x": n} for n in range(3)])
    booster.consume()
    for _ in range(3):
        assert running.acquire(timeout=PATIENCE)
    booster.pause_consume()
    ended.set()
    with server.changed:
        assert server.changed.wait_for(lambda: len(server.acked) == 2 and server.bodies("q_dlx"), PATIENCE)
    assert [consumer.gate.paused for consumer in program.environment.worker.consumers()] == [True]
    assert wrong == []


def test_all_settling_happens_on_the_fetching_threads_turn(make_program):
    # The time passes: who puts back the only message that has ended so far pauses.
    program, wrong, seen = make_program(RealTimeClock(), BROKER_KIND="FETCHER_ONLY"), [], []
    server = program.server
    watched(program.environment.catalog.find("brokers", "FETCHER_ONLY").factory, wrong)

    def decide(x, y=0):
        seen.append(x)
        if x == 1 and seen.count(1) < 2:
            raise RequeueTask
        if x == 2:
            raise DeadLetterTask

    booster = program.booster(decide, max_retry_times=0)
    booster.push_many([{"x": n} for n in range(20)])
    booster.consume()
    with server.changed:
        assert server.changed.wait_for(lambda: len(server.acked) == 19 and server.bodies("q_dlx"), PATIENCE)
    assert sorted(set(seen)) == list(range(20))
    assert seen.count(1) == 2
    assert wrong == []
