"""What can go wrong between us and a Redis server, and what the user can do about it."""

from __future__ import annotations

from redis.exceptions import AskError, AuthenticationError, MovedError, NoPermissionError, RedisError, ResponseError

from funboost_core.errors import BrokerUnavailable, ConfigError, FunboostError

_HOPELESS = {
    "NOAUTH": "wants a password. Write it into {setting}: redis://user:password@host:port/db",
    "WRONGPASS": "refuses the user name or the password. Correct them in {setting}: redis://user:password@host:port/db",
    "WRONGTYPE": "holds something else under this name ({error}). Choose another queue name, database or NAMESPACE",
    "DB index": "has no such database ({error}). Correct the number at the end of {setting}",
    "unknown command": "is too old ({error}). Use Redis 6.2 or newer",
    "same slot": "keeps these keys on several nodes ({error}). Write the name of the queue in braces: queue_name='{{orders}}'",
    "cluster support disabled": "is no cluster. Write redis://host:port/db into {setting}",
    "MOVED": "is a node of a cluster ({error}). Write redis+cluster://host:port,host:port into {setting}",
}


class RedisUnavailable(BrokerUnavailable):
    """The Redis server {server} cannot be reached ({error}). Check that it runs and that {setting} points to it."""


class SlotMoved(RedisUnavailable):
    """Another node of the Redis Cluster has this key now ({error}, says {server}); it is looked for."""


def moved(error: Exception) -> bool:
    """Whether a node says that another one has the key; older versions of redis-py leave it as text."""
    return isinstance(error, MovedError) or str(error).startswith("MOVED ")


def explain(error: Exception, server: str, setting: str, clustered: bool = False) -> FunboostError:
    """What to raise for an error of the client or the server: `ConfigError` where waiting cannot help.

    `clustered` says whether the user has told us that it is a cluster.
    """
    text = str(error)
    if isinstance(error, AskError) or text.startswith(("MOVED ", "ASK ")):
        if not clustered:
            return _hopeless("MOVED", error, server, setting)
        kind = SlotMoved if moved(error) else RedisUnavailable
        return kind(server=server, error=f"{type(error).__name__} {text}", setting=setting)
    if isinstance(error, NoPermissionError):
        return ConfigError(f"The Redis server {server} does not let this user do that: {text}. Widen its rules (ACL).")
    if isinstance(error, AuthenticationError):
        return _hopeless("NOAUTH" if "required" in text.lower() else "WRONGPASS", error, server, setting)
    if isinstance(error, ResponseError):
        for sign in _HOPELESS:
            if sign in text or (sign == "WRONGTYPE" and "wrong kind of value" in text):
                return _hopeless(sign, error, server, setting)
    return RedisUnavailable(server=server, error=text or type(error).__name__, setting=setting)


def _hopeless(sign: str, error: Exception, server: str, setting: str) -> ConfigError:
    return ConfigError(f"The Redis server {server} {_HOPELESS[sign].format(error=error, setting=setting)}.")


CLIENT_ERRORS = (RedisError, OSError)
"""What the client library raises."""
