"""mailbox: one thread waits for all; who asks hears once: the reply, the end of the time, or the error."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from funboost_core import AioAsyncResult
from funboost_core.native import Condition, Lock, sleep
from funboost_core.ports import store

PATIENCE = 30


class Telling(store.Replies):
    """Replies that tell their subscribers, one by one, and note what they are asked."""

    def __init__(self):
        self.kept = {}
        self.subscribed = {}
        self.asked = []
        self.lock = Lock()
        self.broken = None

    def put(self, task_id, payload, ttl):
        with self.lock:
            self.kept[task_id] = payload
            tell = self.subscribed.pop(task_id, None)
        if tell is not None:
            tell(task_id, payload)

    def get(self, task_id, timeout):
        raise AssertionError("nobody has to be asked again and again here")

    def subscribe(self, task_ids, tell):
        if self.broken is not None:
            raise self.broken
        with self.lock:
            self.asked.append(list(task_ids))
            there = {task_id: self.kept[task_id] for task_id in task_ids if task_id in self.kept}
            self.subscribed.update((task_id, tell) for task_id in task_ids if task_id not in there)
        for task_id, payload in there.items():
            tell(task_id, payload)
        return True

    def unsubscribe(self, task_ids, tell):
        with self.lock:
            for task_id in task_ids:
                self.subscribed.pop(task_id, None)


class Ear:
    """What was heard; can be waited for."""

    def __init__(self):
        self.heard = []
        self.changed = Condition()

    def __call__(self, payload, error):
        with self.changed:
            self.heard.append((payload, error))
            self.changed.notify_all()

    def until(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.heard) >= count, PATIENCE), self.heard
            return self.heard


@pytest.fixture
def replies(program):
    program.environment.state._parts["replies"] = made = Telling()
    return made


@pytest.fixture
def mailbox(program):
    return program.environment.mailbox


def settled(mailbox, replies):
    """Wait until the store knows exactly what is open."""
    for _ in range(PATIENCE * 1000):
        if set(replies.subscribed) == set(mailbox._open):
            return
        with mailbox._changed:
            mailbox._changed.wait(0.001)
    raise AssertionError(f"{set(replies.subscribed)} are subscribed, {set(mailbox._open)} are open")


def test_who_asks_hears_what_comes_and_what_is_there(mailbox, replies):
    early, late, twice = Ear(), Ear(), Ear()
    replies.put("there", b"0", 9)
    mailbox.ask("there", 100, early)
    mailbox.ask("t", 100, late)
    mailbox.ask("t", 100, twice)
    assert early.until(1) == [(b"0", None)]
    settled(mailbox, replies)
    replies.put("t", b"1", 9)
    assert late.until(1) == twice.until(1) == [(b"1", None)]
    assert len(mailbox) == 0
    assert replies.subscribed == {}


def test_the_time_is_up_for_each_by_itself(program, mailbox, replies):
    short, long = Ear(), Ear()
    mailbox.ask("t", 5, short)
    mailbox.ask("t", 50, long)
    program.clock.until_waiting(1)
    program.clock.advance(5)
    assert short.until(1) == [(None, None)]
    assert list(replies.subscribed) == ["t"]  # for the other one
    program.clock.until_waiting(1)
    program.clock.advance(45)
    assert long.until(1) == [(None, None)]
    settled(mailbox, replies)
    assert replies.subscribed == {}


def test_no_time_is_enough_for_what_is_there(mailbox, replies):
    there, missing = Ear(), Ear()
    replies.put("t", b"1", 9)
    for number in range(200):  # also while the mailbox is at work with others
        mailbox.ask("t", 0, there)
        mailbox.ask(f"missing{number}", 0, missing)
    assert there.until(200) == [(b"1", None)] * 200
    assert missing.until(200) == [(None, None)] * 200


def test_what_is_forgotten_is_not_told_and_not_waited_for(mailbox, replies):
    gone, stays = Ear(), Ear()
    questions = [mailbox.ask("t", 100, gone), mailbox.ask("u", 100, gone)]
    mailbox.ask("u", 100, stays)
    settled(mailbox, replies)
    mailbox.forget(questions)
    settled(mailbox, replies)
    assert list(replies.subscribed) == ["u"]
    again = Ear()
    mailbox.ask("t", 100, again)
    settled(mailbox, replies)
    for task_id in "tu":
        replies.put(task_id, b"1", 9)
    assert stays.until(1) == again.until(1) == [(b"1", None)]
    assert gone.heard == []


def test_a_store_that_fails_is_heard_by_who_asked(mailbox, replies):
    ear, replies.broken = Ear(), OSError("away")
    mailbox.ask("t", 100, ear)
    assert ear.until(1) == [(None, replies.broken)]
    replies.broken = None
    mailbox.ask("t", 100, ear)
    settled(mailbox, replies)
    replies.put("t", b"1", 9)
    assert ear.until(2)[1] == (b"1", None)


def test_an_ear_that_fails_costs_nobody_else_anything(mailbox, replies, caplog):
    good = Ear()
    mailbox.ask("t", 100, lambda payload, error: 1 / 0)
    mailbox.ask("t", 100, good)
    settled(mailbox, replies)
    replies.put("t", b"1", 9)
    assert good.until(1) == [(b"1", None)]
    assert "Who waits for t could not be told" in caplog.text


def test_closing_ends_the_waiting_and_a_new_question_begins_anew(mailbox, replies):
    ear = Ear()
    mailbox.ask("t", 100, ear)
    settled(mailbox, replies)
    mailbox.close()
    assert ear.heard == [(None, None)]
    assert mailbox._thread is None
    mailbox.ask("t", 100, ear)
    settled(mailbox, replies)
    replies.put("t", b"1", 9)
    assert ear.until(2)[1] == (b"1", None)


def test_questions_that_are_answered_leave_nothing_behind(mailbox, replies):
    ear = Ear()
    for number in range(5000):
        replies.put(str(number), b"1", 9)
        mailbox.ask(str(number), 1e6, ear)
    ear.until(5000)
    assert len(mailbox._deadlines) <= 64
    assert not mailbox._open


def test_a_store_that_cannot_tell_is_asked_again_and_again(program, mailbox):
    replies, ear, late = program.environment.state.replies, Ear(), Ear()
    mailbox.ask("t", 100, ear)
    mailbox.ask("never", 5, late)
    program.clock.until_waiting(1)
    replies.put("t", b"1", 9)
    program.clock.advance(0.5)
    assert ear.until(1) == [(b"1", None)]
    program.clock.until_waiting(1)
    program.clock.advance(5)
    assert late.until(1) == [(None, None)]
    end = monotonic() + PATIENCE
    while mailbox._polled and monotonic() < end:  # it has told before it goes on
        sleep(0.001)
    assert mailbox._polled == set()


def test_who_asks_just_while_the_store_is_asked_for_others_waits_its_time(program, mailbox):
    ear, looks = Ear(), []

    class Open(dict):
        def __contains__(self, task_id):
            found = super().__contains__(task_id)  # who waited has given up
            looks.append(found)
            if len(looks) == 1:
                mailbox.ask(task_id, 100, ear)  # and another one begins
            return found

    mailbox._open = Open()
    mailbox._polled.add("t")
    mailbox._poll()
    assert looks[0] is False
    assert ear.heard == []
    program.clock.until_waiting(1)
    program.environment.state.replies.put("t", b"1", 9)
    program.clock.advance(0.5)
    assert ear.until(1) == [(b"1", None)]


def test_ten_thousand_coroutines_wait_on_one_thread(program, mailbox, replies):
    import threading

    before = set(threading.enumerate())
    numbers = range(10_000)

    async def wait():
        asked = [AioAsyncResult(number, 1e6, program.environment).result for number in numbers]
        waiting = asyncio.gather(*asked)
        while len(replies.subscribed) < len(numbers):
            await asyncio.sleep(0.001)
        assert len(set(threading.enumerate()) - before) <= 1
        for number in numbers:
            replies.put(str(number), b'{"result": %d}' % number, 9)
        return await waiting

    assert asyncio.run(wait()) == list(numbers)
    assert len(mailbox) == 0
    assert len(replies.asked) < len(numbers)  # those that ask together are asked about together


def test_a_coroutine_that_is_cancelled_waits_no_more(program, mailbox, replies):
    async def wait():
        task = asyncio.ensure_future(AioAsyncResult("t", 1e6, program.environment).get())
        while not replies.subscribed:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(wait())
    assert len(mailbox) == 0
    settled(mailbox, replies)


def test_a_loop_that_has_ended_is_no_trouble(program, mailbox, replies, caplog):
    async def begin():
        task = asyncio.get_running_loop().create_task(AioAsyncResult("t", 1e6, program.environment).get())
        task._log_destroy_pending = False
        while not replies.subscribed:
            await asyncio.sleep(0.001)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    replies.put("t", b"1", 9)
    settled(mailbox, replies)
    assert "could not be told" not in caplog.text
