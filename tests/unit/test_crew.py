"""crew: threads that take turns, never more than the limit, started on need, ended when idle, no wake-up lost."""

from __future__ import annotations

import logging
import random
from collections import deque
from time import monotonic
from types import SimpleNamespace

import pytest
from funboost_testing.clock import FakeClock
from support.pools import Threads

from funboost_core import Delivery, PoolContext
from funboost_core.clock import SYSTEM
from funboost_core.consuming.alone import QUICK, QUIET, TRUST, WATCHED
from funboost_core.consuming.attempts import Abandoned
from funboost_core.consuming.crew import IDLE, Crew
from funboost_core.consuming.execution import SUCCESS
from funboost_core.native import Condition, Event, Lock, sleep

PATIENCE = 30  # real seconds; only a failing test waits so long


class Source:
    """Plays intake and settler: `give` batches, `acks` and `finished` are what the crew reports."""

    def __init__(self):
        self.changed = Condition()
        self.batches = deque()
        self.asked = []
        self.stopped = False
        self.finished = 0
        self.acks = []
        self.needs_ack, self.eager = True, False
        self.given_back = []

    def give(self, *calls, bare=True):
        batch = [delivery(call, bare) for call in calls]
        with self.changed:
            self.batches.append(batch)
            self.changed.notify_all()
        return batch

    def take(self, free):
        with self.changed:
            self.asked.append(free)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.batches or self.stopped)
            return [] if self.stopped else self.batches.popleft()

    def give_back(self, deliveries):
        self.given_back.extend(deliveries)

    def wait_until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE)

    def stop(self):
        with self.changed:
            self.stopped = True
            self.changed.notify_all()


def delivery(call, bare=True):
    made = Delivery(b"{}")
    made.arguments, made.extra = {}, {"task_id": "t"}
    made.plan = SimpleNamespace(bare=bare, call=call, before=(), task=SimpleNamespace(logger=logging.getLogger("test")))
    return made


class Run:
    """A crew over a source; `close` ends its threads."""

    def __init__(self, limit, clock=SYSTEM, conclude=lambda delivery, outcome: False, hurry=lambda: None):
        self.tasks = []  # released at the end, whatever happened
        self.source = Source()
        self.pool = Threads(PoolContext(limit, "test"))
        self.clock = clock
        self.crew = Crew(self.pool, self.source, self.source, conclude, clock, hurry)

    def rest(self, asked):
        """Wait until somebody has asked for messages since `asked` times, and all others wait to be woken."""
        end = monotonic() + PATIENCE
        while not (len(self.source.asked) > asked and self.clock.waiting == self.crew.idle == self.crew.size - 1):
            assert monotonic() < end, "no rest"
            sleep(0.001)

    def counter(self):
        self.tasks.append(Counter())
        return self.tasks[-1]

    def close(self):
        for task in self.tasks:
            task.release()
        self.source.stop()
        self.crew.stop()
        for thread in self.pool.started:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self.pool.started)
        assert self.crew.size == self.crew.idle == 0


@pytest.fixture
def make():
    runs = []

    def build(*args, **kwargs):
        runs.append(Run(*args, **kwargs))
        runs[-1].crew.start()
        return runs[-1]

    yield build
    for run in runs:
        run.close()


class Counter:
    """A task that counts how many of it run at once and waits until it is released."""

    def __init__(self):
        self.changed = Condition()
        self.running = self.most = self.ended = 0
        self.open = False

    def __call__(self):
        with self.changed:
            self.running += 1
            self.most = max(self.most, self.running)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.open)
            self.running -= 1
            self.ended += 1
            self.changed.notify_all()

    def wait_until(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), f"{self.running} running, {self.ended} ended"

    def release(self):
        with self.changed:
            self.open = True
            self.changed.notify_all()


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_long_tasks_fill_the_limit_however_they_arrive(make, batch):
    run = make(20)
    task = run.counter()
    for _ in range(0, 100, batch):
        run.source.give(*[task] * min(batch, 100))
    task.wait_until(lambda: task.running == 20)
    assert len(run.pool.started) == 20
    task.release()
    task.wait_until(lambda: task.ended >= 100)
    assert task.most == 20
    assert len(run.pool.started) == 20


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10, 50])
def test_the_limit_is_never_exceeded_under_random_durations(make, limit):
    run, chance = make(limit), random.Random(limit)
    lock, seen = Lock(), {"now": 0, "most": 0, "done": 0}
    everything = Event()

    def task():
        with lock:
            seen["now"] += 1
            seen["most"] = max(seen["most"], seen["now"])
        for _ in range(chance.choice((0, 10, 1000))):
            pass
        if chance.random() < 0.1:
            Event().wait(0.001)
        with lock:
            seen["now"] -= 1
            seen["done"] += 1
            if seen["done"] == 600:
                everything.set()

    given = 0
    while given < 600:
        batch = min(chance.choice((1, 2, 10, 100)), 600 - given)
        run.source.give(*[task] * batch)
        given += batch
    assert everything.wait(PATIENCE)
    assert seen["most"] <= limit
    assert len(run.pool.started) <= limit


def test_short_messages_one_after_the_other_need_two_threads(make):
    run, done = make(50, FakeClock()), Condition()
    count = [0]

    def task():
        with done:
            count[0] += 1
            done.notify_all()

    for number in range(1, 201):
        run.source.give(task)
        with done:
            assert done.wait_for(lambda number=number: count[0] == number, PATIENCE)
        run.rest(number)  # a thread that is held up on its way to the next message is none that waits
    assert len(run.pool.started) == 2


def test_no_wake_up_is_lost_over_many_small_bursts(make):
    run, done, chance = make(4), Condition(), random.Random(4)
    count, given = [0], 0

    def task():
        with done:
            count[0] += 1
            done.notify_all()

    for _ in range(1500):
        burst = chance.choice((1, 1, 2, 3, 8))
        given += burst
        run.source.give(*[task] * burst)
        with done:
            assert done.wait_for(lambda given=given: count[0] == given, PATIENCE), f"{count[0]} of {given}"


def test_what_the_last_leader_left_is_run_before_fetching_again():
    """A follower that found nothing ready must look again before it becomes the leader and waits for the broker."""
    run, left = Run(2), Event()
    long = run.counter()

    class Ready(deque):
        """Lets the leader put its batch there right after the other thread has seen nothing."""

        armed = False

        def popleft(self):
            try:
                return super().popleft()
            except IndexError:
                if self.armed:
                    self.armed = False
                    run.source.give(long, left.set)
                    long.wait_until(lambda: long.running == 1)
                raise

    ready = run.crew.ready = Ready()

    def first():
        run.source.wait_until(lambda: len(run.source.asked) == 2)  # the other thread leads
        ready.armed = True

    run.source.give(first)
    run.crew.start()
    try:
        assert left.wait(PATIENCE)
    finally:
        run.close()


def test_idle_threads_end_and_one_stays_to_fetch(make):
    clock = FakeClock()
    run = make(5, clock)
    task = run.counter()
    run.source.give(*[task] * 5)
    task.wait_until(lambda: task.running == 5)
    task.release()
    clock.until_waiting(4)
    assert run.crew.size == 5
    clock.advance(IDLE - 0.001)
    assert clock.waiting == 4
    assert run.crew.size == 5
    clock.advance(0.001)
    end = monotonic() + PATIENCE
    while len([thread for thread in run.pool.started if thread.is_alive()]) > 1 and monotonic() < end:
        sleep(0.001)
    assert len([thread for thread in run.pool.started if thread.is_alive()]) == 1
    assert run.crew.size == 1
    again = Event()
    run.source.give(again.set)
    assert again.wait(PATIENCE)


def test_a_crew_that_is_made_smaller_goes_on_fetching(make):
    """Whoever is too many ends, and of those who wait because somebody fetched one fetches now."""
    clock = FakeClock()
    run = make(5, clock)
    task = run.counter()
    run.source.give(*[task] * 5)
    task.wait_until(lambda: task.running == 5)
    task.release()
    clock.until_waiting(4)
    run.crew.resize(2)
    for _ in range(6):
        done = Event()
        run.source.give(done.set)
        assert done.wait(PATIENCE), f"{run.crew.idle} of {run.crew.size} wait, and nobody fetches"
    end = monotonic() + PATIENCE
    while run.crew.size > 2:  # the last of them may be on its way
        assert monotonic() < end
        sleep(0.001)


def test_a_crew_that_is_made_larger_need_not_wait_for_the_end_of_a_run(make):
    run = make(2)
    task = run.counter()
    for _ in range(5):
        run.source.give(task)
    task.wait_until(lambda: task.running == 2)
    run.crew.resize(5)
    task.wait_until(lambda: task.running == 5)
    run.source.wait_until(lambda: not run.source.batches)


def test_a_bare_success_is_acknowledged_and_counted_without_judging(make):
    judged = []
    run = make(1, conclude=lambda delivery, outcome: judged.append(delivery))
    done = Event()
    (delivery,) = run.source.give(lambda: None)
    run.source.give(done.set)
    assert done.wait(PATIENCE)
    assert run.source.acks[0] is delivery
    assert judged == []


def test_a_message_that_is_to_run_again_is_run_again_on_the_same_thread(make):
    outcomes, ended = [], Event()

    def conclude(delivery, outcome):
        outcomes.append(outcome)
        if len(outcomes) < 3:
            return True
        ended.set()
        return False

    run = make(1, conclude=conclude)
    run.source.give(lambda: 1 / 0)
    assert ended.wait(PATIENCE)
    assert [type(outcome.error) for outcome in outcomes] == [ZeroDivisionError] * 3
    assert len(run.pool.started) == 1


def test_a_defect_while_settling_costs_neither_the_thread_nor_the_message(make, caplog):
    def conclude(delivery, outcome):
        raise RuntimeError("a defect")

    run, done = make(1, conclude=conclude), Event()
    (bad,) = run.source.give(lambda: 1 / 0)
    run.source.give(done.set)
    assert done.wait(PATIENCE)
    assert run.source.given_back == [bad]
    assert "a defect" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_is_replaced(make, monkeypatch):
    monkeypatch.setattr("threading.excepthook", lambda args: None)

    def conclude(delivery, outcome):
        raise KeyboardInterrupt

    run, done = make(1, conclude=conclude), Event()
    run.source.give(lambda: 1 / 0)
    run.source.give(done.set)
    assert done.wait(PATIENCE)
    assert len(run.pool.started) == 2


def test_a_thread_that_cannot_be_started_costs_no_message(make, caplog):
    run = make(10)
    task = run.counter()
    run.pool.refuse = RuntimeError("can't start new thread")
    run.source.give(*[task] * 5)
    task.wait_until(lambda: task.running == 1)
    task.release()
    task.wait_until(lambda: task.ended == 5)
    assert len(run.pool.started) == 1
    assert "can't start new thread" in caplog.text


def test_a_crew_without_any_thread_gets_one_as_soon_as_one_can_be_had(make, caplog):
    """The last one hangs and is given up, while no other can take its place."""
    run, settled = make(1), Event()
    task = run.counter()

    def hang():
        task()
        raise Abandoned

    (hanging,) = run.source.give(hang)
    task.wait_until(lambda: task.running == 1)
    run.pool.refuse = RuntimeError("can't start new thread")
    run.crew.take_over(hanging, SUCCESS)
    run.crew.tend()
    assert run.crew.size == 0
    assert run.source.given_back == [hanging]
    run.pool.refuse = None
    run.crew.tend()
    run.crew.tend()
    assert len(run.pool.started) == 2
    run.source.give(settled.set)
    assert settled.wait(PATIENCE)


def test_the_first_thread_that_cannot_be_started_is_the_callers_error():
    run = Run(1)
    run.pool.refuse = RuntimeError("can't start new thread")
    with pytest.raises(RuntimeError, match="start new thread"):
        run.crew.start()
    assert run.crew.size == 0


def test_stop_returns_what_was_not_started_and_lets_the_rest_end(make):
    run = make(2)
    task = run.counter()
    batch = run.source.give(*[task] * 6)
    task.wait_until(lambda: task.running == 2)
    assert run.crew.running == 2
    rest = run.crew.stop()
    assert len(rest) == 4
    assert {id(d) for d in rest} < {id(d) for d in batch}
    assert run.crew.join(0) is False
    task.release()
    run.source.stop()
    assert run.crew.join(PATIENCE) is True
    assert task.ended == 2


def test_what_comes_to_a_crew_that_was_stopped_meanwhile_goes_back(make):
    """The leader had passed the gate, and was finding out whether they may run."""
    run, ran = Run(2), []

    def take(free, take=run.source.take):
        taken = take(free)
        run.crew.stop()
        return taken

    run.source.take = take
    batch = run.source.give(*[lambda: ran.append(1)] * 3)
    run.crew.start()
    assert run.crew.join(PATIENCE)
    assert run.source.given_back == batch
    assert ran == []
    run.close()


def test_what_is_ready_can_be_taken_away(make):
    run = make(1)
    task = run.counter()
    batch = run.source.give(*[task] * 3)
    task.wait_until(lambda: task.running == 1)
    assert run.crew.unstarted() == batch[1:]
    assert run.crew.unstarted() == []
    task.release()


def test_what_the_broker_has_lost_is_dropped_where_it_has_not_started(make):
    run, left = make(1), []
    task = run.counter()
    batch = run.source.give(*[task] * 4)
    for lost in batch:
        lost.plan.leave = (lambda delivery, verdict: left.append((delivery, verdict)),)
    task.wait_until(lambda: task.running == 1)
    run.crew.drop([batch[0], batch[2], delivery(task)])
    assert left == [(batch[2], None)], "what it held is given up; what runs is left alone"
    assert run.crew.unstarted() == [batch[1], batch[3]]
    task.release()


def test_the_leader_asks_for_itself_and_those_who_wait(make):
    clock = FakeClock()
    run = make(4, clock)
    task = run.counter()
    assert run.source.give(*[task] * 4)
    task.wait_until(lambda: task.running == 4)
    task.release()
    clock.until_waiting(3)
    run.source.give(lambda: None)
    run.source.wait_until(lambda: len(run.source.asked) >= 3)
    assert run.source.asked[0] == 1
    assert max(run.source.asked) <= 4


# -- running alone ---------------------------------------------------------------------------------------------------------


def one_by_one(run, number, call=lambda: None):
    """Give messages one at a time, each when the one before is finished and somebody waits for the next."""
    run.rest(0)
    for _ in range(number):
        asked = len(run.source.asked)
        run.source.give(call)
        run.rest(asked)  # whoever was called to fetch has seen that somebody does


@pytest.fixture
def trusted(make):
    """A crew with two threads that has seen quick runs, and whose ticks are under way."""
    clock, hurried = FakeClock(), []
    run = make(5, clock, hurry=lambda: hurried.append(1))
    one_by_one(run, TRUST + 1)
    assert hurried, "ticks are asked for before anything is run alone"
    assert run.crew.alone.watched
    run.crew.tick()
    return run


def test_after_quick_runs_a_single_message_is_run_while_nobody_fetches_and_acknowledged_with_the_next_fetch(trusted):
    run = trusted
    task, run.source.eager, asked = run.counter(), True, len(run.source.asked)
    run.source.give(task)
    task.wait_until(lambda: task.running == 1)
    assert len(run.source.asked) == asked
    assert not run.source.eager
    task.release()
    run.source.wait_until(lambda: len(run.source.asked) > asked)


def test_one_that_takes_long_gets_help_at_the_second_tick(trusted):
    run = trusted
    long, asked = run.counter(), len(run.source.asked)
    run.source.give(long)
    long.wait_until(lambda: long.running == 1)
    run.crew.tick()
    assert len(run.source.asked) == asked
    run.crew.tick()
    run.source.wait_until(lambda: len(run.source.asked) > asked)
    other, asked = run.counter(), len(run.source.asked)
    run.source.give(other)
    other.wait_until(lambda: other.running == 1)
    run.source.wait_until(lambda: len(run.source.asked) > asked)  # trust is gone: somebody fetches meanwhile
    run.clock.advance(2 * QUICK)
    size = run.crew.size
    for _ in range(3):
        run.crew.tick()
    assert run.crew.size == size, "help is sent for once"


def test_nobody_runs_alone_when_the_ticks_are_late(trusted):
    run = trusted
    run.clock.advance(WATCHED + 0.001)
    long, asked = run.counter(), len(run.source.asked)
    run.source.give(long)
    long.wait_until(lambda: long.running == 1)
    run.source.wait_until(lambda: len(run.source.asked) > asked)


def test_ticks_end_when_nothing_was_run_alone_for_a_while(trusted):
    for _ in range(QUIET - 1):  # and one that the crew has had
        assert trusted.crew.alone.watched
        trusted.crew.tick()
    assert not trusted.crew.alone.watched


def test_nobody_runs_alone_when_the_ticks_have_just_ended(trusted):
    run = trusted
    while run.crew.alone.watched:
        run.crew.tick()
    long, asked = run.counter(), len(run.source.asked)
    run.source.give(long)
    long.wait_until(lambda: long.running == 1)
    run.source.wait_until(lambda: len(run.source.asked) > asked)
    assert run.crew.alone.watched, "the next one may"


def test_one_that_takes_long_gets_help_from_the_beats_when_the_ticks_have_ended_all_the_same(trusted):
    run = trusted
    long, asked = run.counter(), len(run.source.asked)
    run.source.give(long)
    long.wait_until(lambda: long.running == 1)
    run.crew.tend()
    run.crew.tend()
    run.source.wait_until(lambda: len(run.source.asked) > asked)


def test_a_long_run_is_not_quick_because_another_one_has_begun_just_now(make):
    clock = FakeClock()
    run = make(5, clock)
    task = run.counter()
    for number in range(1, 6):  # the last one begins when the others end
        asked = len(run.source.asked)
        run.source.give(task)
        task.wait_until(lambda number=number: task.running == number)
        if number < 5:
            run.source.wait_until(lambda asked=asked: len(run.source.asked) > asked)
            clock.advance(2 * QUICK)
    run.crew.alone._quick, asked = TRUST, len(run.source.asked)
    task.release()
    run.rest(asked)
    assert task.ended == 5
    assert run.crew.alone._quick <= 1
