"""One connection: commands and scripts in, replies out, over redis-py's own connection and packer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as NoAnswer

from .errors import CLIENT_ERRORS, explain, moved

if TYPE_CHECKING:
    from .address import Address


class Script:
    """A Lua script, known to the server by its digest."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest: str = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def command(self, keys: Sequence[Any], arguments: Iterable[Any]) -> tuple[Any, ...]:
        """The command that runs it."""
        return ("EVALSHA", self.digest, len(keys), *keys, *arguments)


def _closed(*_: Any, **__: Any) -> NoReturn:
    raise NotConnected("the connection was closed on this side")


class Link:
    """A connection that one thread uses at a time.

    An error that leaves the stream in doubt closes it (`broken`); what the server itself answers does not.  Any thread
    may `drop` it: it stays closed, and who is using it is told so.

    Raises:
        ConfigError: the server refuses us for good.
        RedisUnavailable: it cannot be reached.
    """

    __slots__ = ("_address", "_connection", "_number", "_pack", "_read", "_send", "broken", "host", "outdated", "used")

    def __init__(self, address: Address) -> None:
        self._address = address
        self.broken = False
        self.outdated = False  # what it is connected to has become the wrong server, and so have the others
        self.used = 0.0
        self._number: int | None = None
        try:
            connection = address.connect()
        except CLIENT_ERRORS as error:
            raise explain(error, address.shown, address.setting, address.clustered) from error
        self._connection: Any = connection
        connection.connect = connection.connect_check_health = _closed  # it would connect again by itself
        self.host: tuple[str, int] = (getattr(connection, "host", ""), getattr(connection, "port", 0))
        self._send, self._pack, self._read = (
            connection.send_packed_command,
            connection.pack_command,
            connection.read_response,
        )

    def ask(self, *command: Any) -> Any:
        """The reply to one command."""
        try:
            self._send(self._pack(*command))
            return self._read(True)
        except ResponseError as error:
            raise self._refused(error) from error
        except CLIENT_ERRORS as error:
            raise self._failed(error) from error
        except BaseException as error:
            self._fell(error)
            raise

    def ask_all(self, commands: Sequence[tuple[Any, ...]], patience: float = 0.0) -> list[Any]:
        """The replies to several commands, sent at once, which may take `patience` seconds because they wait.

        An error of one is raised when all have been read.
        """
        replies: list[Any] = []
        refused: ResponseError | None = None
        connection = self._connection
        usual = connection.socket_timeout
        long = patience + usual if usual and patience > usual / 2 else 0.0
        try:
            self._send(connection.pack_commands(commands))
            for _ in commands:
                if long and not connection.can_read(long):
                    raise NoAnswer(f"no answer within {long:g} s")
                try:
                    replies.append(self._read(True))
                except ResponseError as error:
                    refused = refused or error
        except CLIENT_ERRORS as error:
            raise self._failed(error) from error
        except BaseException as error:
            self._fell(error)
            raise
        if refused is not None:
            raise self._refused(refused) from refused
        return replies

    def run(self, script: Script, keys: Sequence[Any], arguments: Iterable[Any] = ()) -> Any:
        """What a script returns."""
        command = script.command(keys, arguments)
        try:
            return self.ask(*command)
        except ScriptUnknown:  # the server has started anew
            return self.ask("EVAL", script.text, *command[2:])

    def tell_all(self, commands: Sequence[tuple[Any, ...]]) -> None:
        """Send commands whose replies nobody waits for: there are none, or they come among what is heard."""
        try:
            self._connection.health_check_interval = 0  # the answer to a check would not come, or among what is heard
            if len(commands) == 1:
                self._send(self._pack(*commands[0]))
            else:
                self._send(self._connection.pack_commands(commands))
        except CLIENT_ERRORS as error:
            raise self._failed(error) from error
        except BaseException as error:
            self._fell(error)
            raise

    def hear(self, seconds: float) -> Any:
        """What the server says next of its own accord; None when it says nothing for so long."""
        try:
            if not self._connection.can_read(seconds):
                return None
            return self._read(True)
        except CLIENT_ERRORS as error:
            raise self._failed(error) from error
        except BaseException as error:
            self._fell(error)
            raise

    def number(self) -> int:
        """The server's id of this connection."""
        if self._number is None:
            self._number = self.ask("CLIENT", "ID")
        return self._number

    def stale(self) -> bool:
        """Whether the server has closed it, or says what nobody has asked for."""
        try:
            return bool(self._connection.can_read(0))
        except Exception:  # or another thread has closed it
            return True

    def drop(self) -> None:
        """Close it; in a forked child only the child's copy."""
        self.broken = True
        try:
            self._connection.disconnect()
        except CLIENT_ERRORS:
            pass

    def _fell(self, error: BaseException) -> None:
        """Close it; where another thread has done so, the client library stumbles over what is no longer there."""
        if self.broken and isinstance(error, Exception):
            raise self._failed(NotConnected("the connection was closed on this side")) from error
        self.drop()

    def _failed(self, error: Exception) -> Exception:
        self.drop()
        return explain(error, self._address.shown, self._address.setting)

    def _refused(self, error: ResponseError) -> Exception:
        if isinstance(error, NoScriptError):
            return ScriptUnknown(str(error))
        if isinstance(error, ReadOnlyError) or moved(error):  # it is a replica now, or another node has the key
            self.outdated = True
            self.drop()
        address = self._address
        return explain(error, address.shown, address.setting, address.clustered)


class ScriptUnknown(Exception):
    """The server does not know a script; what was asked has not been done."""
