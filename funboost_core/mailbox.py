"""One thread that waits for replies in the place of all who cannot lend one: coroutines, callbacks, batches, greenlets.

Who asks says for how long, and hears once: the payload, None when the time is up, or why it cannot be had.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Callable, Optional

from .native import Condition, Thread, current_thread
from .self_waits import SelfWaits

if TYPE_CHECKING:
    from .environment import Environment
    from .ports.store import Replies

Hear = Callable[[Optional[bytes], Optional[BaseException]], None]

_QUICKEST, _SLOWEST = 0.001, 0.2
_SHARE = 0.05
"""A store that cannot tell by itself is asked after this share of the time for which the youngest question is open."""


class Question:
    """One wait for one reply; `deadline` by the monotonic clock."""

    __slots__ = ("deadline", "hear", "task_id")

    def __init__(self, task_id: str, deadline: float, hear: Hear) -> None:
        self.task_id: str = task_id
        self.deadline: float = deadline
        self.hear: Hear = hear

    def __lt__(self, other: Question) -> bool:
        return self.deadline < other.deadline


class Mailbox:
    """The replies that are waited for in one program; its thread begins with the first question."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._clock = environment.clock
        self._changed = Condition()
        self._open: dict[str, list[Question]] = {}
        self._deadlines: list[Question] = []  # a heap of the open questions, and of some that are closed
        self._count = 0
        self._new: list[str] = []  # what the store has not been asked about yet
        self._gone: list[str] = []  # what nobody waits for any more
        self._polled: set[str] = set()  # what the store cannot tell by itself
        self._since = 0.0  # when the youngest question came
        self._thread: Thread | None = None
        self.self_waits: SelfWaits = SelfWaits(environment)

    def __len__(self) -> int:
        """How many questions are open."""
        return self._count

    def ask(self, task_id: str, timeout: float, hear: Hear) -> Question:
        """Let `hear` be called, on a thread of the framework where it may not block, within `timeout` seconds."""
        with self._changed:
            self._since = self._clock.monotonic()
            question = Question(task_id, self._since + max(0.0, timeout), hear)
            others = self._open.setdefault(task_id, [])
            if not others:
                self._new.append(task_id)
            others.append(question)
            heapq.heappush(self._deadlines, question)
            self._count += 1
            if self._thread is None:
                self._thread = Thread(target=self._run, name="funboost-mailbox", daemon=True)
                self._thread.start()
            self._changed.notify()
        return question

    def forget(self, questions: Iterable[Question]) -> None:
        """Nobody waits for them any more."""
        with self._changed:
            self._withdraw(questions)
            self._changed.notify()

    def close(self) -> None:
        """End the waiting as if the time were up."""
        with self._changed:
            thread, self._thread = self._thread, None
            left = self._withdraw([question for some in self._open.values() for question in some])
            self._changed.notify()
        if thread is not None and thread is not current_thread():
            thread.join()
        _tell(left, None)

    def _withdraw(self, questions: Iterable[Question]) -> list[Question]:
        """Close those that are open; they are returned.  The lock is held."""
        closed = []
        for question in questions:
            others = self._open.get(question.task_id, [])
            if question in others:
                closed.append(question)
                others.remove(question)
                if not others:
                    del self._open[question.task_id]
                    self._gone.append(question.task_id)
        self._closed(len(closed))
        return closed

    def _closed(self, number: int) -> None:
        self._count -= number
        if len(self._deadlines) > 2 * self._count + 64:
            self._deadlines = [question for some in self._open.values() for question in some]
            heapq.heapify(self._deadlines)

    def _answer(self, task_id: str, payload: bytes | None, error: BaseException | None = None) -> None:
        """There is a reply, or there can be none; called by the store, from any thread, and by our own."""
        with self._changed:
            questions = self._open.pop(task_id, [])
            self._closed(len(questions))
        _tell(questions, payload, error)

    # -- our thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        me, poll_at = current_thread(), 0.0
        while True:
            with self._changed:
                while self._thread is me and not (self._new or self._gone):
                    now = self._clock.monotonic()
                    until = [poll_at] if self._polled else []
                    if self._deadlines:
                        until.append(self._deadlines[0].deadline)
                    if until and min(until) <= now:
                        break
                    self._clock.wait(self._changed, min(until) - now if until else None)
                if self._thread is not me:
                    return
                gone, self._gone = self._gone, []
                new, self._new = [task_id for task_id in dict.fromkeys(self._new) if task_id in self._open], []
            self._ask_store(gone, new)
            now = self._clock.monotonic()
            if self._polled and (new or now >= poll_at):
                self._poll()
                poll_at = now + min(_SLOWEST, max(_QUICKEST, (now - self._since) * _SHARE))
            self._expire()

    def _ask_store(self, gone: list[str], new: list[str]) -> None:
        try:
            replies = self._environment.state.replies
            self._polled.difference_update(gone)
            if gone:
                replies.unsubscribe(gone, self._answer)
            if new and not replies.subscribe(new, self._answer):
                self._polled.update(new)
        except Exception as error:
            for task_id in new:
                self._answer(task_id, None, error)

    def _poll(self) -> None:
        replies: Replies = self._environment.state.replies
        for task_id in list(self._polled):
            try:
                payload = replies.get(task_id, 0)
            except Exception as error:
                self._answer(task_id, None, error)
            else:
                if payload is not None:
                    self._answer(task_id, payload)
                elif task_id in self._open:
                    continue
            self._polled.discard(task_id)  # who asks just now is asked about anew

    def _expire(self) -> None:
        overdue: list[Question] = []
        early: list[Question] = []
        with self._changed:
            now, unasked = self._clock.monotonic(), set(self._new)
            while self._deadlines and self._deadlines[0].deadline <= now:
                question = heapq.heappop(self._deadlines)
                (early if question.task_id in unasked else overdue).append(question)
            for question in early:  # it came just now: there may be a reply
                heapq.heappush(self._deadlines, question)
            overdue = self._withdraw(overdue)
        _tell(overdue, None)


def _tell(questions: Iterable[Question], payload: bytes | None, error: BaseException | None = None) -> None:
    for question in questions:
        try:
            question.hear(payload, error)
        except Exception:
            logging.getLogger("funboost.results").exception("Who waits for %s could not be told.", question.task_id)
