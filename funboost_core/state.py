"""State other than messages: one backend for all parts (STATE_URL), with overrides for single parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .errors import ConfigError, StateMissing
from .native import RLock
from .records import resolve
from .settings import hide

if TYPE_CHECKING:
    from .environment import Environment
    from .ports.store import Coordinator, Filter, History, Parking, Replies

_ROOM = {"replies": "result stores", "history": "result stores", "filter": "filters"}


class State:
    """The five parts, opened when first used.

    STATE_URL names the backend by its scheme; RESULTS_URL (replies), HISTORY_URL, FILTER_URL, PARKING_URL and
    COORDINATOR_URL override it for one part.

    Raises:
        StateMissing: a part is used and no setting names a backend for it.
    """

    SETTINGS = {
        "replies": "RESULTS_URL",
        "history": "HISTORY_URL",
        "filter": "FILTER_URL",
        "parking": "PARKING_URL",
        "coordinator": "COORDINATOR_URL",
    }

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._stores: dict[str, Any] = {}
        self._parts: dict[str, Any] = {}
        self._lock = RLock()

    @property
    def replies(self) -> Replies:
        """Results on their way back."""
        return cast("Replies", self._part("replies"))

    @property
    def history(self) -> History:
        """Past runs."""
        return cast("History", self._part("history"))

    @property
    def filter(self) -> Filter:
        """Claimed arguments."""
        return cast("Filter", self._part("filter"))

    @property
    def parking(self) -> Parking:
        """Messages that wait."""
        return cast("Parking", self._part("parking"))

    @property
    def coordinator(self) -> Coordinator:
        """Beats, flags, counters."""
        return cast("Coordinator", self._part("coordinator"))

    def has(self, part: str) -> bool:
        """Whether a backend for `part` is configured."""
        return bool(self._url(part))

    def where(self, part: str) -> str:
        """The URL of the backend of `part`, without its password; "" where none is configured."""
        return str(hide("url", self._url(part)))

    def check_processes(self) -> None:
        """Raise `ConfigError` where a part of the state lives in one process and could not be shared with children."""
        for part in self.SETTINGS:
            if self.has(part) and not getattr(self._store(part), "cross_process", True):
                raise ConfigError(
                    f"{self.SETTINGS[part]} or STATE_URL is {self.where(part)!r}, which lives in one process: child "
                    "processes would not see each other's results and flags. Set one that is shared, such as a file."
                )

    def close(self) -> None:
        """Close all backends that were opened."""
        with self._lock:
            stores, self._stores, self._parts = self._stores, {}, {}
        for store in stores.values():
            store.close()

    def _url(self, part: str) -> str:
        settings = self._environment.settings
        return str(settings(self.SETTINGS[part]) or settings("STATE_URL") or "")

    def _part(self, part: str) -> Any:
        found = self._parts.get(part)
        if found is None:
            with self._lock:
                found = self._parts.get(part)
                if found is None:
                    store = self._store(part)
                    found = self._parts[part] = getattr(store, part, store)
        return found

    def _store(self, part: str) -> Any:
        url = self._url(part)
        if not url:
            raise StateMissing(feature=f"The part {part!r} of the state", setting="STATE_URL")
        scheme = url.partition("://")[0].partition("+")[0]
        if "://" not in url:
            raise ConfigError(
                f"{self.SETTINGS[part]} or STATE_URL is no URL: it has no ://. Write memory:// or the like."
            )
        with self._lock:
            if url not in self._stores:
                spec = self._find(part, scheme)
                self._stores[url] = resolve(spec.factory)(url, self._environment)
            return self._stores[url]

    def _find(self, part: str, scheme: str) -> Any:
        catalog, room = self._environment.catalog, _ROOM.get(part)
        spec = self._environment.manager.find(room, scheme) if room else None
        if spec is None:
            try:
                spec = catalog.find("stores", scheme)
            except LookupError:
                if room is None:
                    raise
                spec = catalog.find("stores", scheme, room)
        return spec
