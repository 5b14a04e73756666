"""Bringing a folder of the other machine up to date over SFTP."""

from __future__ import annotations

import logging
import os
import posixpath
import stat
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funboost_core.errors import ConfigError

from .connecting import Target, connected
from .errors import UploadFailed
from .files import PARTIAL, LocalFile, Rules, folders_of, scan

if TYPE_CHECKING:
    from paramiko import SFTPClient

logger: logging.Logger = logging.getLogger("funboost.deploy")


def upload_folder(
    target: Target,
    local: str | os.PathLike[str],
    remote: str,
    rules: Rules | None = None,
    log_level: int = logging.INFO,
) -> list[str]:
    """Upload what has changed in a folder; the paths of these files below it.

    Args:
        target: the machine.
        local: the folder here.
        remote: the folder there, from ``/``; it is made.
        rules: what is left out.
        log_level: log lines of a lower level are not written: one a file at DEBUG, one in all at INFO.

    Raises:
        UploadFailed: a file could not be written there.
        LoginRefused, HostKeyRefused, ConnectionLost: see `connected`.

    Example::

        upload_folder(Target("10.0.0.5", 22, "me"), "/home/me/project", "/home/me/codes/project")
    """
    folder = Path(local)
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {str(local)!r}.")
    files = scan(folder, rules or Rules()).files
    check_remote(remote)
    with connected(target) as client, client.open_sftp() as sftp:
        different = changed(sftp, remote, files)
        upload(sftp, remote, different, log_level)
    return [file.name for file in different]


def check_remote(folder: str) -> None:
    """Raise ConfigError if it is no folder that may be written into."""
    if not folder.startswith("/") or not posixpath.normpath(folder).strip("/") or "\0" in folder:
        raise ConfigError(f"remote_folder={folder!r}: give the whole path of a folder, such as /home/me/codes/project.")


def changed(sftp: SFTPClient, remote: str, files: Iterable[LocalFile]) -> list[LocalFile]:
    """The files that are not there, or with another size or time of change."""
    files = list(files)
    there: dict[str, tuple[int | None, int | None]] = {}
    missing: set[str] = set()
    for folder in folders_of(files):
        if folder and posixpath.dirname(folder) in missing:
            missing.add(folder)
            continue
        try:
            listed = sftp.listdir_attr(posixpath.join(remote, folder))
        except FileNotFoundError:
            missing.add(folder)
            continue
        for its in listed:
            there[posixpath.join(folder, its.filename)] = (its.st_size, int(its.st_mtime or 0))
    return [file for file in files if there.get(file.name) != (file.size, file.mtime)]


def upload(sftp: SFTPClient, remote: str, files: Iterable[LocalFile], log_level: int = logging.INFO) -> None:
    """Write the files: each under another name first, so that nobody reads half of one.

    Raises:
        UploadFailed: names the file.
    """
    files = list(files)
    _make_folder(sftp, remote)
    for folder in folders_of(files)[1:]:
        _make_folder(sftp, posixpath.join(remote, folder), above=False)
    for file in files:
        place = posixpath.join(remote, file.name)
        try:
            _put(sftp, file, place)
        except OSError as error:
            raise UploadFailed(file=str(file.path), remote=place, reason=str(error)) from error
        _log(log_level, logging.DEBUG, "uploaded %s to %s", file.path, place)
    _log(log_level, logging.INFO, "uploaded %s changed files to %s", len(files), remote)


def _log(threshold: int, level: int, text: str, *arguments: Any) -> None:
    if level >= threshold:
        logger.log(level, text, *arguments)


def _put(sftp: SFTPClient, file: LocalFile, place: str) -> None:
    folder, name = posixpath.split(place)
    partial = posixpath.join(folder, f".{name[:100]}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        sftp.open(partial, "x").close()
        if os.name == "posix":  # before there is anything to read in it
            sftp.chmod(partial, file.mode | 0o200)
        sftp.put(str(file.path), partial)
        sftp.utime(partial, (file.mtime, file.mtime))
        if os.name == "posix":
            sftp.chmod(partial, file.mode)
        sftp.posix_rename(partial, place)
    except BaseException:
        with suppress(Exception):  # the first error is the one to tell
            sftp.remove(partial)
        raise


def _make_folder(sftp: SFTPClient, folder: str, above: bool = True) -> None:
    try:
        if not stat.S_ISDIR(sftp.stat(folder).st_mode or 0):
            raise UploadFailed(file="(folder)", remote=folder, reason="there is a file of that name")
        return
    except FileNotFoundError:
        pass
    if above:
        _make_folder(sftp, posixpath.dirname(folder))
    try:
        sftp.mkdir(folder)
    except OSError as error:
        with suppress(OSError):  # somebody else has just made it
            sftp.stat(folder)
            return
        raise UploadFailed(file="(folder)", remote=folder, reason=str(error)) from error
