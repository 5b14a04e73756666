"""All parts of the state in one Redis server, or in one cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.ports.store import StateStore

from .address import is_cluster, url_of
from .coordinator import RedisCoordinator
from .errors import RedisUnavailable
from .filter import RedisFilter
from .history import RedisHistory
from .keys import Keys
from .parking import RedisParking
from .replies import RedisReplies
from .server import attach, detach

if TYPE_CHECKING:
    from funboost_core.environment import Environment


class RedisState(StateStore):
    """State in the Redis server that `url` names; times are the server's.

    Args:
        url: ``redis://user:password@host:port/db``, ``rediss://…``, ``redis+sentinel://host,host/service/db``,
            ``redis+cluster://host,host``; without anything after ``://`` the program's own server (setting REDIS_URL).
        environment: gives the settings and the NAMESPACE.

    Raises:
        ConfigError: the URL is wrong, or the server refuses the password; not that it is away just now.
    """

    def __init__(self, url: str, environment: Environment) -> None:
        setting = "STATE_URL (or that of a single part)"
        if not url.partition("://")[2]:
            url, setting = url_of(environment.settings)
        self._server = server = attach(url, setting, self)
        try:
            server.ask("PING")
        except RedisUnavailable:
            pass  # it may come; what needs it says so
        except BaseException:
            detach(server, self)
            raise
        keys = Keys(environment)
        self._replies = self.replies = RedisReplies(server, keys)
        self.history = RedisHistory(server, Keys(environment, "history" if is_cluster(url) else ""))
        self.filter = RedisFilter(server, keys)
        self.parking = RedisParking(server, keys)
        self.coordinator = RedisCoordinator(server, keys)

    def close(self) -> None:
        """End the waiting for replies and close the connections."""
        self._replies.close()
        detach(self._server, self)
