"""One run that may be ended before its function returns, and who may say how it ended: each claim is granted once."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from ..ports.pool import Interrupter


class Abandoned(BaseException):
    """The run was concluded by somebody else meanwhile: nobody wants its result any more, and its thread is to end."""


class Attempt:
    """One run of a message.  Claims are entries of a dict: setting one where there is none is atomic."""

    __slots__ = ("_claims", "delivery", "interrupter", "started")

    def __init__(self, delivery: Delivery, interrupter: Interrupter) -> None:
        self.delivery: Delivery = delivery
        self.interrupter: Interrupter = interrupter
        self.started: float = time()
        self._claims: dict[str, Any] = {}

    def cancel(self, error: BaseException) -> bool:
        """Whether `error` is the first for which it is to end."""
        return self._claims.setdefault("cancelled", error) is error

    def interrupt(self, error: BaseException) -> None:
        """End it with `error` where it can be reached and has not ended; from any thread, without waiting."""
        self.interrupter.throw(lambda: self._claims.setdefault("end", error) is error)

    def end(self) -> BaseException | None:
        """Called by the run when the function has ended: why it was interrupted, if so.  Afterwards nothing is thrown."""
        error: BaseException | None = self._claims.setdefault("end", None)
        if error is not None:
            self.interrupter.absorb()
        return error

    def conclude(self, who: object) -> bool:
        """Whether `who` is the first to say how it ended; nobody else does then."""
        return self._claims.setdefault("conclusion", who) is who
