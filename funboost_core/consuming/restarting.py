"""Calls again, after a growing pause, what must not end while a consumer lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from ..clock import Clock
    from ..native import Event

PAUSES = (0.1, 30.0)
"""Seconds between an end and the next call: at first, and at most."""
LONG_LIFE = 5.0
"""Seconds after which it has worked, and the next pause is the first one again."""


def keep_running(
    work: Callable[[], object],
    stop: Event,
    clock: Clock,
    tell: Callable[[BaseException | None, float], None],
    rest: Callable[[float], object],
    progress: Callable[[], object] = bool,
    pauses: tuple[float, float] = PAUSES,
) -> None:
    """Call `work` until `stop` is set.

    Args:
        work: what should not return before `stop` is set.
        stop: ends it; `work` has to look at it too.
        clock: whose seconds count.
        tell: gets what `work` raised (None: it returned) and the seconds until the next call.
        rest: waits that long, or until `stop` is set.
        progress: another value than before the call says that `work` had done something.
        pauses: the first and the longest pause, seconds.
    """
    failures = 0
    first, most = pauses
    while not stop.is_set():
        before, began = progress(), clock.monotonic()
        error = _end_of(work)
        if stop.is_set():
            return
        if progress() != before or clock.monotonic() - began > LONG_LIFE:
            failures = 0
        pause = min(most, first * 2 ** min(failures, 20))
        failures += 1
        tell(error, pause)
        rest(pause)


def _end_of(work: Callable[[], object]) -> BaseException | None:
    try:
        work()
    except BaseException as error:  # SystemExit too: the queue must not go deaf
        return error
    return None
