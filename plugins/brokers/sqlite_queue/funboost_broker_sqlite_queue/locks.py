"""Locks on files that the kernel frees when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from funboost_core.native import Lock, sleep

if sys.platform == "win32":
    import msvcrt

    def _try(fd: int) -> bool:
        os.lseek(fd, 0, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait(fd: int) -> None:
        while not _try(fd):  # LK_LOCK would look only once a second
            sleep(0.001)

    def _free(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    # flock, not fcntl: it belongs to the open file, so that two consumers of one process exclude each other and
    # closing another descriptor of the same file does not free it.
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock

    def _try(fd: int) -> bool:
        try:
            flock(fd, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait(fd: int) -> None:
        flock(fd, LOCK_EX)

    def _free(fd: int) -> None:
        flock(fd, LOCK_UN)


class FileLock:
    """A lock on the file `path`, held by this object alone, also within its process.

    Raises:
        OSError: the file cannot be opened; `FileNotFoundError` when it is missing and `create` is false.
    """

    __slots__ = ("fd", "path")

    def __init__(self, path: Path, create: bool = True) -> None:
        self.path = path
        with _guard:
            self.fd = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o666)  # not inheritable (PEP 446)
            _open[self.fd] = self

    def try_acquire(self) -> bool:
        """Take the lock if it is free."""
        return _try(self.fd)

    def acquire(self) -> None:
        """Wait for the lock."""
        _wait(self.fd)

    def release(self) -> None:
        """Free the lock and keep the file open."""
        _free(self.fd)

    def in_place(self) -> bool:
        """Whether the open file is still the one found at `path`."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.fd))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Free the lock and close the file."""
        with _guard:
            if _open.pop(self.fd, None) is self:
                os.close(self.fd)
                self.fd = -1

    def remove(self) -> None:
        """Delete the file and close it: deleted first, so that nobody can lock a file about to vanish."""
        if os.name != "nt":
            self.path.unlink(missing_ok=True)
        self.close()
        if os.name == "nt":  # open files cannot be deleted there; one that another process has open stays, unused
            with contextlib.suppress(OSError):
                self.path.unlink()


_open: dict[int, FileLock] = {}
_guard = Lock()  # `_open` has each file that is open


def hold() -> None:
    """Before a fork: open and close nothing until `resume`."""
    _guard.acquire()


def resume() -> None:
    """End `hold`."""
    _guard.release()


def forget() -> None:
    """In a forked child: close all files, or the parent's locks would outlive the parent.

    Closing them does not free the locks: those belong to the open files, which the parent still has.
    """
    _guard.release()
    for lock in list(_open.values()):
        lock.close()
