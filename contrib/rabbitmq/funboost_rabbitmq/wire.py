"""One connection and the thread that owns it: nothing else ever touches the connection.

So heartbeats are served whatever the tasks and the gate do, and a client that is bound to its thread, or to the hub of
that thread under monkey patching, is content.  `PikaWire` and `AmqpstormWire` add the client.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from funboost_core.native import Event, Thread, current_thread

from .bell import Bell
from .client import Client, Got, Item
from .errors import NETWORK, Fault, PublishingBlocked, PublishingRefused, QueueGone, explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .address import Address

CONNECT = 10.0
"""Seconds in which a connection must stand, and a question must be answered."""
IDLE = 1.0
"""Most seconds of one wait."""
CHUNK = 1000
"""Messages that may be unconfirmed at once."""
CLOSING = 5.0

R = TypeVar("R")


class Wire(Client):
    """A connection with one channel in confirm mode.  `ask`, `post`, `wake` and `close` may be called from any thread."""

    def __init__(self, address: Address, queue: str) -> None:
        self.address = address
        self.queue = queue
        self.fault: Fault | None = None
        self.opened: bool = False
        self.blocked: str = ""  # why the server takes no messages
        self.open: dict[int, None] = {}  # delivery tags that nobody has settled; used by all threads
        self.held: dict[int, None] = {}  # delivery tags that the server waits for, in their order
        self.inbox: deque[Got] = deque()
        self.returned: list[Item] = []
        self.unconfirmed: dict[int, None] = {}
        self._sent = 0
        self._refused = 0
        self._jobs: deque[Callable[[], None]] = deque()
        self._rung = False
        self._woken = False
        self._listening = False
        self._ending = False
        self._ended = False
        self._thread = Thread(target=self._run, name=f"funboost-{queue}-wire", daemon=True)
        self._thread.start()

    # -- any thread -------------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Whether it stands, as far as is known; False also in a forked child."""
        return self.fault is None and not self._ended and not self._ending and self._thread.is_alive()

    def ask(self, job: Callable[[], R]) -> R:
        """What `job` returns or raises on the wire's thread.

        Raises:
            BrokerUnavailable: the connection could not be made, or has ended.
            ConfigError: the server refuses what was asked.
        """
        answer: list[R] = []
        errors: list[BaseException] = []
        done = Event()

        def run() -> None:
            try:
                if self._ended:
                    raise self.fault or Fault(NETWORK, "the connection was closed")
                answer.append(job())
            except BaseException as error:
                errors.append(error)
                if isinstance(error, Fault):
                    self.fault = self.fault or error
            finally:
                done.set()

        self.post(run)
        done.wait()
        if errors:
            raise self._explained(errors[0])
        return answer[0]

    def post(self, job: Callable[[], None]) -> None:
        """Have `job` run soon on the wire's thread; never, when the connection has ended."""
        self._jobs.append(job)
        if self._ended:
            self._work()
        elif not self._rung:
            self._rung = True
            self._ring()

    def settle_soon(self, numbers: Iterable[int]) -> None:
        """Acknowledge those that nobody has settled."""
        mine = [number for number in numbers if self.open.pop(number, self) is None]
        if mine:
            self.post(lambda: self.settle(mine))

    def wake(self) -> None:
        """End a `drain` that waits, or the next one that would."""
        self._woken = True
        self._ring()

    def close(self) -> None:
        """End the connection: the server gives what is held to others."""
        self._ending = True
        self._ring()
        if current_thread() is not self._thread:
            self._thread.join(CLOSING)

    def _ring(self) -> None:
        if self._listening:
            self.bell.ring()

    # -- its thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.bell = Bell()
            self._listening = True
            self.connect()
            self.opened = True
            while not self._ending and self.fault is None:
                self._work()
                self.pump(IDLE)
            self._work()
        except Fault as fault:
            self.fault = self.fault or fault
        except Exception as error:
            self.fault = self.fault or Fault(NETWORK, f"{type(error).__name__}: {error}", self.opened)
        finally:
            self.held.clear()
            self.open.clear()
            self._ended = True  # only now: what is posted from here on is run by whoever posts, and must find nothing
            self._work()
            try:
                self.disconnect()
            except Exception:  # it has ended already, or never was
                pass
            if self._listening:
                self.bell.close()

    def _work(self) -> None:
        """Run what was posted; once the connection has ended, this tells those who wait that nothing will come."""
        while True:
            self._rung = False  # each time: who posts from now on rings
            try:
                job = self._jobs.popleft()
            except IndexError:
                return
            job()

    def _explained(self, error: BaseException) -> BaseException:
        return explain(error, self.address, self.queue) if isinstance(error, Fault) else error

    def until(self, condition: Callable[[], Any], seconds: float) -> bool:
        """Serve the connection until `condition` holds, for at most `seconds`; whether it does."""
        deadline = monotonic() + seconds
        while not condition():
            left = deadline - monotonic()
            if left <= 0 or self._ending:
                return False
            self.pump(min(left, IDLE))
        return True

    def expect(self, condition: Callable[[], Any], what: str) -> None:
        """`until`, or a `Fault`."""
        if not self.until(condition, CONNECT):
            raise Fault(NETWORK, f"{what} was not answered within {CONNECT:g} s", self.opened)

    def drain(self, limit: int, timeout: float) -> list[Got]:
        """Up to `limit` messages, waiting at most `timeout` seconds for the first.

        A consumer with as much prefetch as is asked for, and cancelled when something came: so the server sends nothing
        that nobody asked for, and a batch costs two questions.
        """
        if not self.inbox:
            self.consume(limit)
            self._wait(timeout)
            if self.consuming:
                self.cancel()
            elif not self.inbox:
                raise QueueGone(queue=self.queue)  # the server cancelled
        return [self.inbox.popleft() for _ in range(min(limit, len(self.inbox)))]

    def _wait(self, timeout: float) -> None:
        deadline = monotonic() + timeout
        while not (self.inbox or self._ending) and self.consuming:
            self._work()
            left = deadline - monotonic()
            if left <= 0 or self._woken:
                break
            self.pump(min(left, IDLE))
        if timeout > 0:
            self._woken = False

    def settle(self, numbers: Sequence[int]) -> None:
        """Acknowledge those that are held; all up to one in a single step where there is none between them."""
        done, last, rest = {number for number in numbers if number in self.held}, 0, []
        if not done:
            return
        for number in self.held:
            if number not in done:
                break
            last = number
        if last:
            self.send_ack(last, True)
        for number in sorted(done):
            del self.held[number]
            if number > last:
                rest.append(number)
        for number in rest:
            self.send_ack(number, False)
        self.flush()

    def publish(self, items: Sequence[Item], queue: str, patience: float) -> list[Item]:
        """Send, and wait until the server has them safe; those that it returned for want of the queue.

        Raises:
            PublishingBlocked: it takes none for now.
            PublishingRefused: its policy lets no more in.
        """
        self.returned, self._refused = [], 0
        for start in range(0, len(items), CHUNK):
            # what waits for the end of an alarm might arrive long after its publisher was told that it had not
            if self.until(lambda: not self.blocked, patience):
                for item in items[start : start + CHUNK]:
                    self._sent += 1
                    self.unconfirmed[self._sent] = None
                    self.send(item, queue)
                self.flush()
                self.until(lambda: not self.unconfirmed, patience)
            if self.blocked:
                self.unconfirmed.clear()
                raise PublishingBlocked(server=self.address.shown, error=self.blocked)
            if self.unconfirmed:
                raise Fault(NETWORK, f"{len(self.unconfirmed)} messages were not confirmed within {patience:g} s")
        if self._refused:
            raise PublishingRefused(server=self.address.shown, count=self._refused, queue=queue)
        return self.returned

    # -- what the client tells, on this thread ----------------------------------------------------------------------

    def came(self, got: Got) -> None:
        """A message has come."""
        self.open[got.number] = self.held[got.number] = None
        self.inbox.append(got)

    def confirmed(self, number: int, multiple: bool, taken: bool) -> None:
        """The server has messages safe, or does not take them."""
        waiting = self.unconfirmed
        numbers = [one for one in waiting if one <= number] if multiple else [number]
        for one in numbers:  # the publisher of what is not there (any more) has been told that the server is blocked
            if waiting.pop(one, self) is None and not taken:
                self._refused += 1
