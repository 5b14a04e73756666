"""Where the database file is."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from funboost_core.errors import BrokerUnavailable, ConfigError

if TYPE_CHECKING:
    from funboost_core.environment import Environment

FILE = "queues.sqlite3"
KIND = "SQLITE_QUEUE"

_HOPELESS = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "EISDIR", "ENAMETOOLONG", "EINVAL", "ELOOP")
}
_FIX = "Set SQLITE_QUEUE_PATH (or DATA_DIR) to a folder or file that this user may write"


def database_path(environment: Environment) -> Path:
    """The absolute path of the database file; its folder is made when missing.

    The setting SQLITE_QUEUE_PATH names the file, or a folder for it when it exists as a folder or has no suffix;
    without it the file is `FILE` in the data folder.

    Raises:
        ConfigError: nothing can ever be written there.
        BrokerUnavailable: the file system refuses at the moment.
    """
    given = environment.settings("SQLITE_QUEUE_PATH")
    if str(given).startswith((":memory:", "file:")):
        raise ConfigError(f"SQLITE_QUEUE_PATH={given!r} is no file. For queues in memory use MEMORY_QUEUE. {_FIX}.")
    try:
        if not given:
            return environment.data_dir().resolve() / FILE
        path = Path(given).expanduser().resolve()
        if path.is_dir() or (not path.exists() and not path.suffix):
            path = path / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise refused(given or FILE, error) from error
    return path


def refused(path: object, error: Exception) -> ConfigError | BrokerUnavailable:
    """The exception to raise for an error of the file system at `path`."""
    if isinstance(error, OSError) and error.errno not in _HOPELESS:
        return BrokerUnavailable(kind=KIND, error=f"{path}: {error}")
    return ConfigError(f"The queue database {str(path)!r} cannot be used: {error}. {_FIX}.")
