"""Values that say what happened and what is to be done; every decision of the core is one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union


class Outcome:
    """How one run of the function ended.

    `error` is None after success; `started` and `ended` are epoch seconds; `runs` counts from 1.
    """

    __slots__ = ("ended", "error", "result", "runs", "started")

    def __init__(self, result: Any, error: BaseException | None, started: float, ended: float, runs: int) -> None:
        self.result: Any = result
        self.error: BaseException | None = error
        self.started: float = started
        self.ended: float = ended
        self.runs: int = runs

    @property
    def success(self) -> bool:
        """True when the function returned."""
        return self.error is None


# -- admission: may this message run now? -------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """Run it."""


@dataclass(frozen=True)
class Skip:
    """Do not run it; acknowledge it.

    `copy`: another message with its task id runs, so nobody is told of this one, and what is held for the id stays.
    """

    reason: str
    copy: bool = False


@dataclass(frozen=True)
class Later:
    """Run it at `due` (epoch seconds), or give it back at once when `due` is None.

    `changes` are made to its extra while it waits; without them it waits as it came, to the byte.
    """

    due: float | None
    reason: str = ""
    changes: Mapping[str, Any] | None = None


Admission = Union[Run, Skip, Later]

# -- verdict: what becomes of the message after a run? -------------------------------------------------------


@dataclass(frozen=True)
class Ack:
    """It is done."""


@dataclass(frozen=True)
class Retry:
    """Run it again after `after` seconds; 0 = at once, here."""

    after: float = 0.0


@dataclass(frozen=True)
class Requeue:
    """Put it back into its queue."""


@dataclass(frozen=True)
class DeadLetter:
    """Move it to the dead-letter queue."""

    reason: str


@dataclass(frozen=True)
class Drop:
    """Forget it."""

    reason: str


Verdict = Union[Ack, Retry, Requeue, DeadLetter, Drop]

ACK = Ack()
