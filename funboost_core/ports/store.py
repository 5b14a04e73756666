"""State other than messages, in five parts.  A backend may serve all (`StateStore`) or single ones.

All times are epoch seconds of the store's own clock; every claim has a time to live.  All methods may be called from
any thread.  Keys are text; payloads are JSON text as bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from pydantic_core import to_json

Tell = Callable[[str, bytes], None]


class Replies(ABC):
    """Results on their way back to who waits for them (RPC)."""

    @abstractmethod
    def put(self, task_id: str, payload: bytes, ttl: float) -> None:
        """Keep `payload` for `ttl` seconds and wake who waits for it."""

    @abstractmethod
    def get(self, task_id: str, timeout: float) -> bytes | None:
        """The payload, waiting at most `timeout` seconds; None when there is none.  It can be read repeatedly."""

    def subscribe(self, task_ids: Sequence[str], tell: Tell) -> bool:
        """Call ``tell(task_id, payload)`` once for each of `task_ids` when its payload is there, from any thread.

        Those that are there already are told of, too.  `tell` neither blocks nor raises.  This is how one thread waits
        for thousands.  False where the store cannot: then it is asked (`get` without waiting) again and again.
        """
        return False

    def unsubscribe(self, task_ids: Sequence[str], tell: Tell) -> None:
        """Nobody waits for them any more; what has just arrived may be told of nevertheless."""


SEARCHED = 4000
"""Characters of the arguments, and of the exception, that are searched; an index over megabytes would help nobody."""


class Record(NamedTuple):
    """What is kept of one task: what it is searched by, and all of it as JSON.

    Attributes:
        id: of the task, as text.
        queue: its name.
        success: whether it succeeded; None while another run follows.
        started: ``time_start`` in epoch seconds; None where it has none.
        searched: the arguments and the exception, case folded.
        payload: the status dict as JSON; a store keeps it as it is.
    """

    id: str
    queue: str
    success: bool | None
    started: float | None
    searched: str
    payload: bytes

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Record:
        """The record of a status dict (`FunctionResultStatus.get_status_dict`), found by its ``_id``.

        It is a copy: what happens to the dict later does not change it.  What JSON cannot carry is kept as its text.
        """
        started, exception = status.get("time_start"), status.get("exception")
        searched = f"{str(status.get('params_str') or '')[:SEARCHED]}\n{str(exception or '')[:SEARCHED]}".casefold()
        return cls(
            str(status["_id"]),
            str(status.get("queue_name")),
            None if status.get("run_status") == "running" else bool(status.get("success")),
            None if started is None else float(started),
            searched if searched.isascii() else _utf8(searched),
            _json(status),
        )


def _json(status: Mapping[str, Any]) -> bytes:
    try:
        return to_json(status)  # most of them; a third faster without `fallback`
    except ValueError:
        pass
    try:
        return to_json(status, fallback=_shown)
    except ValueError:  # bytes or text that are no UTF-8, or something that contains itself
        return to_json({name: _carried(value) for name, value in status.items()}, fallback=_shown)


def _carried(value: Any) -> Any:
    try:
        to_json(value, fallback=_shown)
    except ValueError:
        return _utf8(_shown(value))
    return value


def _shown(value: Any) -> str:
    try:
        return str(value)[:1000]
    except Exception:
        return f"<a {type(value).__name__} that cannot be shown>"


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class History(ABC):
    """Status and results of past runs, one record a task, later ones replacing earlier ones."""

    @abstractmethod
    def save(self, records: Sequence[Record], ttl: float) -> None:
        """Insert or replace records; a search that begins afterwards finds them."""

    @abstractmethod
    def get(self, task_id: str) -> dict[str, Any] | None:
        """The record of one task."""

    @abstractmethod
    def search(
        self,
        queue: str | None = None,
        success: bool | None = None,
        text: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        offset: int = 0,
        running: bool | None = None,
    ) -> list[dict[str, Any]]:
        """Newest first.

        `text` is a part of the arguments or the exception, in any case; `since` and `until` (inclusive) bound
        ``time_start``; records of running tasks match neither value of `success`.  `running` chooses those whose run is
        followed by another one, or those that have ended.
        """

    @abstractmethod
    def prune(self) -> int:
        """Delete what has outlived its `ttl`; the number deleted."""


class Filter(ABC):
    """Which arguments have been claimed by which task (uniqueness)."""

    @abstractmethod
    def claim(self, scope: str, key: str, holder: str, lease: float) -> str | None:
        """Claim `key` for `holder` during `lease` seconds.

        None when it is now (or was already) the holder's; else the id of who holds it, which is ``"done"`` after
        `keep`.
        """

    @abstractmethod
    def renew(self, claims: Sequence[tuple[str, str, str]], lease: float) -> None:
        """Let those of the claims, each ``(scope, key, holder)``, that still are their holder's end in `lease` seconds.

        One that was given up, kept or taken by somebody else stays as it is.
        """

    @abstractmethod
    def keep(self, scope: str, key: str, ttl: float | None) -> None:
        """The work is done: refuse the key for `ttl` seconds, None = for ever."""

    @abstractmethod
    def release(self, scope: str, key: str, holder: str) -> None:
        """Give the key up if `holder` still has it."""

    @abstractmethod
    def clear(self, scope: str) -> None:
        """Forget all keys of `scope`."""


class Parked(NamedTuple):
    """A message that waits: `id` makes parking it again harmless; `target` is the queue it goes to when due."""

    id: str
    target: str
    body: bytes
    due: float
    reason: str = ""


class Parking(ABC):
    """Messages that wait for their time, or for somebody to redrive them, outside the broker."""

    @abstractmethod
    def park(self, messages: Sequence[Parked]) -> None:
        """Keep messages; one with the same id and target is replaced."""

    @abstractmethod
    def claim(self, target: str, limit: int, lease: float) -> list[Parked]:
        """Up to `limit` messages of `target` that are due, withheld from other claimants for `lease` seconds."""

    @abstractmethod
    def done(self, messages: Iterable[Parked]) -> None:
        """They have been published: forget them; one that was parked anew meanwhile (another due time or body) stays."""

    @abstractmethod
    def next_due(self, target: str) -> float | None:
        """When the next message of `target` can be claimed (a claimed one when its claim ends); None when none waits."""

    @abstractmethod
    def count(self, target: str) -> int:
        """Messages that wait, due or not."""

    @abstractmethod
    def purge(self, target: str) -> int:
        """Forget all messages of `target`, due or not, claimed or not; the number forgotten."""


class Coordinator(ABC):
    """What consumers of a queue tell each other: beats, flags, counters, shared schedules."""

    @abstractmethod
    def beat(self, scope: str, member: str, info: Mapping[str, Any], ttl: float) -> None:
        """`member` is alive for `ttl` more seconds; `info` (JSON-able) describes it."""

    @abstractmethod
    def leave(self, scope: str, member: str) -> None:
        """`member` has ended."""

    @abstractmethod
    def members(self, scope: str) -> dict[str, dict[str, Any]]:
        """The living members and their `info`."""

    @abstractmethod
    def set_flag(self, scope: str, name: str, value: str | None, ttl: float | None = None) -> None:
        """Set a flag, or remove it (None)."""

    @abstractmethod
    def flags(self, scope: str) -> dict[str, str]:
        """All flags of `scope` that have not expired."""

    @abstractmethod
    def add(self, scope: str, counts: Mapping[str, int]) -> dict[str, int]:
        """Add to counters (0 reads); the new values."""

    @abstractmethod
    def reserve(self, scope: str, interval: float, most: int, horizon: float) -> tuple[float, int]:
        """Reserve due times of a schedule of one start every `interval` seconds, shared by all consumers.

        Returns ``(first, n)``: n <= `most` consecutive due times from `first` seconds from now (>= 0) on, none of
        them later than `horizon` seconds after the first.
        """


class StateStore(ABC):
    """A backend that serves all parts."""

    replies: Replies
    history: History
    filter: Filter
    parking: Parking
    coordinator: Coordinator
    cross_process: bool = True
    cross_host: bool = True

    @abstractmethod
    def close(self) -> None:
        """Release connections and files."""
