"""Calls on threads of their own, so that a test can tell one that hangs from one that takes long."""

from __future__ import annotations

from typing import Any, Callable

from funboost_core.native import Thread


class Call:
    """``function(*args)`` on a thread of its own."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(function, args), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            self._value = function(*args)
        except BaseException as error:  # raised again by `result`
            self._error = error

    def running(self, seconds: float = 0.0) -> bool:
        """Whether it has not returned within `seconds` of real time."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def result(self) -> Any:
        """What it returned or raised; AssertionError when it hangs."""
        assert not self.running(30), "the call has not returned"
        if self._error is not None:
            raise self._error
        return self._value


def together(function: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """The results of calling `function` with each of `arguments`, all at the same time."""
    return [call.result() for call in [Call(function, *args) for args in arguments]]
