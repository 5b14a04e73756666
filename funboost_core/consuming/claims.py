"""What messages of one consumer hold in the filter of the state store: claimed before a run, renewed while it lives."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from ..task import Task

LEASE = 90.0
"""Seconds after which the claim of a consumer that died ends: longer than a task may keep its beats from coming."""


class Claims:
    """The keys that are claimed here; a message, called by its task id, has at most one in each scope.

    Without a lock: what is done for a message is done by the thread that has it, and renewing never revives a claim that
    was given up meanwhile.

    Example::

        if claims.claim("q:while_running", '{"x":1}', task_id) is None:
            ...
            claims.release("q:while_running", task_id)
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._state = task.environment.state
        self._now = task.environment.clock.monotonic
        self._held: dict[tuple[str, str], tuple[str, float]] = {}  # scope, holder -> key, when renewed
        self._owed: deque[Callable[[], None]] = deque()

    def claim(self, scope: str, key: str, holder: str) -> str | None:
        """Claim `key` for the message `holder`: None when it has it now, else who has it, ``"done"`` after `keep`.

        Raises whatever the store raises.
        """
        other = self._state.filter.claim(scope, key, holder, LEASE)
        if other is None:
            self._held[scope, holder] = (key, self._now())
        return other

    def release(self, scope: str, holder: str) -> None:
        """Give up what `holder` has claimed in `scope`, if anything.  What the store refuses for now is done later."""
        held = self._held.pop((scope, holder), None)
        if held is not None:
            self._do(partial(self._release, scope, held[0], holder))

    def keep(self, scope: str, holder: str, ttl: float | None) -> None:
        """The work of `holder` is done: its key is refused for `ttl` seconds, None = for ever."""
        held = self._held.pop((scope, holder), None)
        if held is not None:
            self._do(partial(self._state.filter.keep, scope, held[0], ttl))

    def give_up(self, scope: str, key: str, holder: str) -> None:
        """Give up what was claimed elsewhere for the message, by its publisher."""
        self._do(partial(self._state.filter.release, scope, key, holder))

    def extend(self, scope: str, holder: str, seconds: float) -> None:
        """The message waits elsewhere for `seconds` before it comes again; its claim stays until then."""
        held = self._held.pop((scope, holder), None)
        if held is not None:
            claim = (scope, held[0], holder)
            self._do(partial(self._state.filter.renew, [claim], seconds + LEASE))

    def renew(self) -> None:
        """At each beat: renew what is held, and do what the store refused earlier."""
        for _ in range(len(self._owed)):
            self._do(self._owed.popleft())
        before = self._now() - LEASE / 3
        old = [(name, key) for name, (key, when) in list(self._held.items()) if when <= before]
        if old:
            self._state.filter.renew([(scope, key, holder) for (scope, holder), key in old], LEASE)
            now = self._now()
            for name, key in old:
                if name in self._held:
                    self._held[name] = (key, now)

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
