"""What messages of one consumer hold in the filter of the state store: claimed before a run, renewed while it lives."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from ..task import Task

LEASE = 90.0
"""Seconds after which the claim of a consumer that died ends: longer than a task may keep its beats from coming."""


class _Held:
    """A key that is held, and since when it counts as renewed."""

    __slots__ = ("key", "since")

    def __init__(self, key: str, since: float) -> None:
        self.key = key
        self.since = since


class Claims:
    """The keys that are claimed here; a message, called by its task id, has at most one in each scope.

    Without a lock: what is done for a message is done by the thread that has it, and renewing, on a thread of its own,
    neither revives a claim that was given up meanwhile nor touches which are held.

    Example::

        if claims.claim("q:while_running", '{"x":1}', task_id) is None:
            ...
            claims.release("q:while_running", task_id)
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._state = task.environment.state
        self._now = task.environment.clock.monotonic
        self._held: dict[tuple[str, str], _Held] = {}  # by scope and holder
        self._owed: deque[Callable[[], None]] = deque()

    def claim(self, scope: str, key: str, holder: str) -> str | None:
        """Claim `key` for the message `holder`: None when it has it now, else who has it, ``"done"`` after `keep`.

        Raises whatever the store raises.
        """
        other = self._state.filter.claim(scope, key, holder, LEASE)
        if other is None:
            self._held[scope, holder] = _Held(key, self._now())
        return other

    def release(self, scope: str, holder: str) -> None:
        """Give up what `holder` has claimed in `scope`, if anything.  What the store refuses for now is done later."""
        held = self._held.pop((scope, holder), None)
        if held is not None:
            self._do(partial(self._release, scope, held.key, holder))

    def keep(self, scope: str, holder: str, ttl: float | None) -> None:
        """The work of `holder` is done: its key is refused for `ttl` seconds, None = for ever."""
        held = self._held.pop((scope, holder), None)
        if held is not None:
            self._do(partial(self._state.filter.keep, scope, held.key, ttl))

    def give_up(self, scope: str, key: str, holder: str) -> None:
        """Give up what was claimed elsewhere for the message, by its publisher."""
        self._do(partial(self._state.filter.release, scope, key, holder))

    def extend(self, scope: str, holder: str, seconds: float) -> None:
        """The message waits elsewhere for `seconds` before it comes again; its claim stays until then."""
        held = self._held.pop((scope, holder), None)
        if held is not None:
            claim = (scope, held.key, holder)
            self._do(partial(self._state.filter.renew, [claim], seconds + LEASE))

    def renew(self) -> None:
        """At each beat: renew what is held, and do what the store refused earlier."""
        for _ in range(len(self._owed)):
            self._do(self._owed.popleft())
        before = self._now() - LEASE / 3
        old = [(name, held) for name, held in self._held.copy().items() if held.since <= before]
        if old:
            self._state.filter.renew([(scope, held.key, holder) for (scope, holder), held in old], LEASE)
            now = self._now()
            for _, held in old:
                held.since = now

    def _release(self, scope: str, key: str, holder: str) -> None:
        if (scope, holder) not in self._held:  # otherwise the message has come again meanwhile
            self._state.filter.release(scope, key, holder)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._owed.append(action)
            self._task.logger.warning(
                "%s: the filter failed (%s: %s); trying again.", self._task.queue_name, type(error).__name__, error
            )
