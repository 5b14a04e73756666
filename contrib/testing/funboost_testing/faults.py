"""Faults on demand: what a broker, or a part of the state, does wrong at a named step.

Steps of a broker are its methods (fetch, turn, ack, requeue, forward, publish …); steps of the state are written
``part.method`` (``replies.put``, ``parking.park`` …)::

    with Faults(environment) as faults:
        faults.at("ack", cut(), times=3)
        faults.at("forward", kill(), after=True, nth=2)
        task.consume()
        ...
    assert faults.met == ["ack", "ack", "ack", "forward"]
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Callable

from funboost_core import BrokerUnavailable, ConfigError, Environment
from funboost_core.native import Lock
from funboost_core.records import resolve
from funboost_core.state import State

if TYPE_CHECKING:
    from typing_extensions import Self

Fault = Callable[[Environment], None]


def raises(error: BaseException) -> Fault:
    """Raise `error`."""

    def fault(environment: Environment) -> None:
        raise error

    return fault


def cut() -> Fault:
    """Raise what a broker raises whose server is away."""
    return lambda environment: raises(BrokerUnavailable(kind="test", error="cut by a test"))(environment)


def delay(seconds: float) -> Fault:
    """Take `seconds` longer, on the environment's clock."""
    return lambda environment: environment.clock.sleep(seconds)


def kill() -> Fault:
    """End this process at once: SIGKILL, or what is closest to it."""
    return lambda environment: os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


class _Planned:
    def __init__(self, fault: Fault, after: bool, nth: int, times: int) -> None:
        self.fault = fault
        self.after = after
        self.calls = range(nth, nth + times)


class Faults:
    """Context manager: within it, the brokers of a kind in one environment fail where they are told to.

    Args:
        environment: whose brokers and state; others in the process are left alone.
        kind: the broker's kind; the setting BROKER_KIND by default.

    Raises:
        ConfigError: the broker's record names no class, or a step is none of its methods.
    """

    def __init__(self, environment: Environment, kind: str | None = None) -> None:
        self._environment = environment
        spec = environment.catalog.find("brokers", kind or str(environment("BROKER_KIND")))
        self._broker: Any = resolve(spec.factory)
        if not isinstance(self._broker, type):
            raise ConfigError(f"The broker {spec.kind} is not made by a class; faults cannot be put into it.")
        self._planned: dict[str, list[_Planned]] = {}
        self._calls: Counter[str] = Counter()
        self._lock = Lock()
        self._undo = ExitStack()
        self._entered = False
        self.met: list[str] = []
        """The steps at which something was done, in order."""

    def at(self, step: str, fault: Fault, *, after: bool = False, nth: int = 1, times: int = 1) -> None:
        """Do `fault` at the `nth` call of `step` (1 = the next one made within this context) and the following ones.

        Args:
            step: ``fetch``, ``ack`` … or ``replies.put`` ….
            fault: made by `raises`, `cut`, `delay`, `kill`, or any function of the environment.
            after: once the step has been done, instead of before it.
            nth: the first call that meets it.
            times: how many calls in a row meet it.
        """
        owner, name = self._owner(step)
        if not callable(getattr(owner, name, None)):
            raise ConfigError(f"There is no step {step!r}: {owner!r} has no method {name!r}.")
        first = step not in self._planned
        self._planned.setdefault(step, []).append(_Planned(fault, after, nth, times))
        if first and self._entered:
            self._install(step)

    def calls(self, step: str) -> int:
        """How often a step for which faults are planned has been called."""
        return self._calls[step]

    def __enter__(self) -> Self:
        self._entered = True
        for step in self._planned:
            self._install(step)
        return self

    def __exit__(self, *error: object) -> None:
        self._entered = False
        self._undo.close()

    def _owner(self, step: str) -> tuple[Any, str]:
        part, _, name = step.rpartition(".")
        if not part:
            return self._broker, name
        if part not in State.SETTINGS:
            raise ConfigError(f"There is no step {step!r}: the state has the parts {', '.join(State.SETTINGS)}.")
        return getattr(self._environment.state, part), name

    def _install(self, step: str) -> None:
        owner, name = self._owner(step)
        original = getattr(owner, name)
        own = vars(owner).get(name)

        def faulty(*args: Any, **kwargs: Any) -> Any:
            if owner is self._broker and args[0].context.environment is not self._environment:
                return original(*args, **kwargs)
            with self._lock:
                self._calls[step] += 1
                number = self._calls[step]
            due = [planned for planned in self._planned[step] if number in planned.calls]
            self._do(step, [planned for planned in due if not planned.after])
            result = original(*args, **kwargs)
            self._do(step, [planned for planned in due if planned.after])
            return result

        setattr(owner, name, faulty)
        self._undo.callback(lambda: delattr(owner, name) if own is None else setattr(owner, name, own))

    def _do(self, step: str, due: list[_Planned]) -> None:
        for planned in due:
            self.met.append(step)
            planned.fault(self._environment)
