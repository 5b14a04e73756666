"""What a publisher gets back: `AsyncResult`."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar

from .awaited import Awaited, as_object, get_reply, split
from .native import patched

if TYPE_CHECKING:
    from .status import FunctionResultStatus

R = TypeVar("R")
T = TypeVar("T")


class AsyncResult(Awaited, Generic[R]):
    """The result of a message, to be waited for; needs ``is_using_rpc_mode``.

    Args:
        task_id: the id of the message.
        timeout: most seconds to wait, 120 by default.

    Example::

        assert add.push(1, y=2).result == 3
    """

    __slots__ = ()

    def set_timeout(self, timeout: float) -> AsyncResult[R]:
        """Wait at most `timeout` seconds; returns itself."""
        self.timeout = timeout
        return self

    @property
    def result(self) -> R:
        """What the function returned.  Raises `ResultTimeout`; a failed run gives the text FUNC_RUN_ERROR."""
        return self._value(self._fetch(self.timeout))  # type: ignore[no-any-return]

    def get(self) -> R:
        """The same as `result`."""
        return self._value(self._fetch(self.timeout))  # type: ignore[no-any-return]

    @property
    def status_and_result(self) -> dict[str, Any] | None:
        """The status dict, None after the time-out."""
        return self._fetch(self.timeout)

    @property
    def status_and_result_obj(self) -> FunctionResultStatus | None:
        """The same as an object."""
        status = self._fetch(self.timeout)
        return None if status is None else as_object(status)

    rpc_data = status_and_result_obj

    def is_pending(self) -> bool:
        """True while no result has come."""
        return self._fetch(0) is None

    def is_success(self) -> bool:
        """Whether the run succeeded; waits for it."""
        status = self._fetch(self.timeout)
        self._value(status)
        return bool(status and status["success"])

    def wait_rpc_data_or_raise(self, raise_exception: bool = True) -> FunctionResultStatus:
        """Wait; raise `TaskFailed` for a failed run (unless told not to) and `ResultTimeout` when none came."""
        return self._checked(self._fetch(self.timeout), raise_exception)

    @classmethod
    def batch_wait_rpc_data_or_raise(
        cls, results: Iterable[AsyncResult[Any]], raise_exception: bool = True
    ) -> list[FunctionResultStatus]:
        """The same for many, in their order.  All are waited for at once: the first that fails raises at once."""
        awaited = list(results)
        for result in cls.as_completed(awaited):
            result._checked(result._status, raise_exception)
        return [result._checked(result._status, raise_exception) for result in awaited]

    @classmethod
    def as_completed(
        cls, results: Iterable[AsyncResult[T]], timeout: float | None = None
    ) -> Generator[AsyncResult[T], None, None]:
        """Yield the results in the order in which they arrive, failed ones too.

        Args:
            results: what `push` has returned.
            timeout: seconds for all of them together; None = each its own.

        Raises:
            ResultTimeout: the time of one is up.

        Example::

            for result in AsyncResult.as_completed([add.push(1, y=y) for y in range(10)]):
                print(result.task_id, result.result)
        """
        from .arrivals import Arrivals

        known, waits = split(results, timeout)
        yield from known
        with Arrivals[AsyncResult[T]](waits) as arrivals:
            for result, payload in arrivals:
                result._value(result._keep(payload))
                yield result

    @property
    def progress(self) -> Any:
        """What the task has reported last with `fct.report_progress`; None before.  Does not wait, needs no rpc mode."""
        from .progress import key_of, value_of

        return value_of(get_reply(self._place(), key_of(self.task_id), 0))

    def follow_progress(self, interval: float = 0.5) -> Generator[Any, None, None]:
        """Yield each value that `progress` is seen to have, looking every `interval` seconds; ends with the result.

        Raises:
            ResultTimeout: the result has not come within the time-out.

        Example::

            for percent in convert.push("film.mp4").follow_progress():
                print(percent)
        """
        from .progress import key_of, value_of

        environment = self._replying()
        key, seen = key_of(self.task_id), None
        deadline = environment.clock.monotonic() + self.timeout
        while True:
            ended = self._status is not None
            payload = get_reply(environment, key, 0)
            if payload is not None and payload != seen:
                seen = payload
                yield value_of(payload)
            if ended:
                return
            left = deadline - environment.clock.monotonic()
            if self._fetch(max(0.0, min(interval, left))) is None and left <= interval:
                self._value(None)

    def set_callback(self, callback: Callable[[dict[str, Any] | None], Any]) -> None:
        """Call ``callback(status_and_result)`` on another thread when the result has come; None after the time-out.

        The thread is one of those that all results share, or of `callback_run_executor` where that is set, which then
        waits.  An exception in the callback is logged.  The process does not end before it has been called.
        """
        from . import callbacks

        environment = self._replying()
        if patched or self.callback_run_executor is not None or self._status is not None:
            callbacks.call_by(self.callback_run_executor, callback, self.task_id, lambda: self._fetch(self.timeout))
        else:
            callbacks.call_later(callback, environment, self.task_id, self.timeout, self._keep)

    def _fetch(self, timeout: float) -> dict[str, Any] | None:
        if self._status is None:
            self._keep(get_reply(self._replying(), str(self.task_id), timeout))
        return self._status
