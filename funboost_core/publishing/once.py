"""Of equal calls only one is published: while one is queued, the first of a period, or the last after a silence.

What equal messages may do once they have been fetched: `consuming/uniqueness.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, TypeVar

from ..errors import FunboostError, PublishError
from ..message import encode
from ..native import off_hub
from ..policies import unique
from ..ports.store import Parked
from ..timing import TIMES, due_time

if TYPE_CHECKING:
    from ..message import Message
    from ..ports.broker import Outgoing
    from ..task import Task

    Chosen = tuple[Outgoing, list["_Wish"]]

R = TypeVar("R")

UNCONFIRMED = 60.0
"""Seconds after which a claim ends whose publisher died before it had published."""
QUEUED_LEASE = 24 * 3600.0
"""Seconds after which a message that was lost (purged by other means, say) keeps equal ones out no longer."""


class _Wish(NamedTuple):
    """A claim (scope, key, holder), and for how many seconds."""

    claim: tuple[str, str, str]
    lease: float


def once(task: Task) -> Once | None:
    """What holds back equal calls; None for a task that does not ask for it."""
    params = task.params
    queued = unique.meaning(params) == unique.WHILE_QUEUED
    return Once(task, queued) if queued or params.throttle_seconds or params.debounce_seconds else None


class Once:
    """Holds back, on its way out, what is equal to a message that went out before."""

    def __init__(self, task: Task, queued: bool) -> None:
        self._task = task
        self._queued = queued
        self._throttle = task.params.throttle_seconds
        self._debounce = task.params.debounce_seconds
        self._key = unique.key_of_call(task)
        self._clock = task.environment.clock
        self._zone = str(task.environment.settings("TIMEZONE", "UTC"))

    def mark(self, message: Message) -> None:
        """Write into a message, before it is encoded, what its consumer needs to give up its place."""
        if self._queued:
            message.extra[unique.CLAIMED] = self._key(message.arguments, message.extra)

    def send(self, messages: Sequence[Outgoing], publish: Callable[[Sequence[Outgoing]], None]) -> list[Outgoing]:
        """Publish, by `publish`, all but those that are held back; these get the task id of the one they are equal to.

        Returns what went out.

        Raises:
            PublishError: the store failed; then nothing is published.
        """
        if self._debounce:
            self._ask(self._park, messages, self._debounce)
            return list(messages)
        chosen = self._ask(self._chosen, messages)
        if chosen:
            try:
                publish([outgoing for outgoing, _ in chosen])
            except BaseException:
                off_hub(self._release, chosen)
                raise
            off_hub(self._confirm, chosen)
        return [outgoing for outgoing, _ in chosen]

    def forget(self) -> None:
        """The queue was emptied: no message holds another back."""
        if self._queued:
            off_hub(self._task.environment.state.filter.clear, unique.scope(self._task, unique.WHILE_QUEUED))

    def _ask(self, function: Callable[..., R], *args: Any) -> R:
        try:
            return off_hub(function, *args)
        except FunboostError:
            raise
        except Exception as error:
            raise PublishError(queue=self._task.queue_name, error=f"{type(error).__name__}: {error}") from error

    # -- while one is queued, and the first of a period -------------------------------------------------------------

    def _chosen(self, messages: Sequence[Outgoing]) -> list[Chosen]:
        chosen: list[Chosen] = []
        store = self._task.environment.state.filter
        try:
            for outgoing in messages:
                message: Message = outgoing.message
                wanted = self._wanted(message)
                chosen.append((outgoing, wanted))
                answers = (store.claim(*wish.claim, min(wish.lease, UNCONFIRMED)) for wish in wanted)
                other = next((answer for answer in answers if answer is not None), None)
                if other is not None:
                    self._release([chosen.pop()])
                    self._task.publishing_logger.info(
                        "%s: %s is not published: %s is equal to it", self._task.queue_name, message.task_id, other
                    )
                    message.extra["task_id"] = other
        except BaseException:
            self._release(chosen)
            raise
        return chosen

    def _wanted(self, message: Message) -> list[_Wish]:
        wanted, task, extra, holder = [], self._task, message.extra, str(message.task_id)
        if self._queued:
            expires = extra.get("msg_expire_seconds", task.params.msg_expire_seconds)
            lease = QUEUED_LEASE if expires is None else float(expires)
            if not TIMES.isdisjoint(extra):
                due = due_time(extra, self._zone, float(extra["publish_time"]))
                lease += max(0.0, (due or 0.0) - self._clock.time())
            wanted.append(_Wish((unique.scope(task, unique.WHILE_QUEUED), extra[unique.CLAIMED], holder), lease))
        if self._throttle:
            key = self._key(message.arguments, extra)
            wanted.append(_Wish((unique.scope(task, unique.THROTTLE), key, holder), float(self._throttle)))
        return wanted

    def _confirm(self, chosen: list[Chosen]) -> None:
        """They are published: from now on their claims hold as long as they should."""
        longer: dict[float, list[tuple[str, str, str]]] = {}
        for _, wanted in chosen:
            for wish in wanted:
                if wish.lease > UNCONFIRMED:
                    longer.setdefault(wish.lease, []).append(wish.claim)
        for lease, claims in longer.items():
            self._try(self._task.environment.state.filter.renew, claims, lease)

    def _release(self, chosen: list[Chosen]) -> None:
        for _, wanted in chosen:
            for wish in wanted:
                self._try(self._task.environment.state.filter.release, *wish.claim)

    def _try(self, function: Callable[..., None], *args: Any) -> None:
        """What is published cannot be taken back, and a claim that is not given up ends by itself."""
        try:
            function(*args)
        except Exception as error:
            self._task.publishing_logger.warning(
                "%s: the filter failed (%s: %s); for about %d s equal calls may be held back, and then no longer.",
                self._task.queue_name,
                type(error).__name__,
                error,
                UNCONFIRMED,
            )

    # -- the last after a silence -----------------------------------------------------------------------------------

    def _park(self, messages: Sequence[Outgoing], seconds: float) -> None:
        """Let them wait until no equal one has come for so long: one with the same key replaces another."""
        parked = []
        for outgoing in messages:
            message, body = outgoing.message, outgoing.body
            if message.extra.get("is_using_rpc_mode", self._task.params.is_using_rpc_mode):
                raise unique.no_reply(self._task)
            identity = f"{unique.DEBOUNCE}:{self._key(message.arguments, message.extra)}"
            text = encode(body, self._task.queue_name) if isinstance(body, dict) else body
            parked.append(Parked(identity, self._task.queue, text, self._clock.time() + seconds, unique.DEBOUNCE))
        self._task.environment.state.parking.park(parked)
