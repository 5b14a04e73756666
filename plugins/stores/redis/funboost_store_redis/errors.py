"""What can go wrong between us and a Redis server, and what the user can do about it."""

from __future__ import annotations

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from funboost_core.errors import BrokerUnavailable, ConfigError, FunboostError

_HOPELESS = {
    "NOAUTH": "wants a password. Write it into {setting}: redis://user:password@host:port/db",
    "WRONGPASS": "refuses the user name or the password. Correct them in {setting}: redis://user:password@host:port/db",
    "WRONGTYPE": "holds something else under this name ({error}). Choose another queue name, database or NAMESPACE",
    "DB index": "has no such database ({error}). Correct the number at the end of {setting}",
    "unknown command": "is too old ({error}). Use Redis 6.2 or newer",
}


class RedisUnavailable(BrokerUnavailable):
    """The Redis server {server} cannot be reached ({error}). Check that it runs and that {setting} points to it."""


def explain(error: Exception, server: str, setting: str) -> FunboostError:
    """What to raise for an error of the client or the server: `ConfigError` where waiting cannot help."""
    text = str(error)
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
