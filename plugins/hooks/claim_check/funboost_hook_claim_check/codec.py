"""Files of big arguments, named by the hash of what they contain."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funboost_core import BadMessage, Codec
from funboost_core.message import decode, encode

if TYPE_CHECKING:
    from funboost_core.task import Task

ENTRY = "claims"
"""Of a message's extra: argument -> hash."""
_HASH = re.compile(r"[0-9a-f]{64}")
_DAY = 86400.0


class ClaimCheck(Codec):
    """Leaves big values in a folder.  What was not used for `CLAIM_CHECK_KEEP_DAYS` is deleted, looked for once a day."""

    name = "claim_check"

    def __init__(self, task: Task) -> None:
        settings, self._clock = task.environment.settings, task.environment.clock
        self._threshold = int(settings("CLAIM_CHECK_THRESHOLD", 65536))
        self._keep = float(settings("CLAIM_CHECK_KEEP_DAYS", 30)) * _DAY
        given = settings("CLAIM_CHECK_DIR")
        self._folder = Path(given).expanduser() if given else task.environment.data_dir() / "claims"
        self._swept = float("-inf")

    def encode(self, task: Task, arguments: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any] | None:
        """Big values as null, their hashes in `extra`."""
        packed, claims = dict(arguments), {}
        for name, value in arguments.items():
            if type(value) in (str, list, dict):
                data = encode({"": value})
                if len(data) >= self._threshold:
                    claims[name] = self._leave(data)
                    packed[name] = None
        if not claims:
            return None
        extra[ENTRY] = claims
        self._sweep()
        return packed

    def decode(self, task: Task, arguments: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
        """The values from their files."""
        claims, restored = extra.get(ENTRY), dict(arguments)
        if type(claims) is not dict or not claims.keys() <= arguments.keys():
            raise BadMessage(reason=f"{ENTRY} does not name arguments")
        for name, claim in claims.items():
            if type(claim) is not str or not _HASH.fullmatch(claim):
                raise BadMessage(reason=f"the claim check of {name!r} is none")
            try:
                data = _read(self._folder / claim)
            except FileNotFoundError:
                raise BadMessage(
                    reason=f"the argument {name!r} is not in {self._folder}; set FUNBOOST_CLAIM_CHECK_DIR to the folder "
                    "of those who publish, and CLAIM_CHECK_KEEP_DAYS to more than messages wait"
                ) from None
            if hashlib.sha256(data).hexdigest() != claim:
                raise BadMessage(reason=f"the file of the argument {name!r} was changed")
            self._keep_on(claim, data)
            restored[name] = decode(data, len(data))[""]
        return restored

    def _leave(self, data: bytes) -> str:
        claim = hashlib.sha256(data).hexdigest()
        self._keep_on(claim, data)
        return claim

    def _keep_on(self, claim: str, data: bytes) -> None:
        """From now on for another while."""
        path = self._folder / claim
        try:
            os.utime(path)  # it is there already
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{claim}.{secrets.token_hex(8)}")
            draft.write_bytes(data)
            draft.replace(path)  # nobody sees half of it

    def _sweep(self) -> None:
        now = self._clock.time()
        if now - self._swept < _DAY:
            return
        self._swept = now
        oldest = now - self._keep
        for path in self._folder.iterdir():
            try:
                if path.stat().st_mtime < oldest:
                    aside = _aside(path)
                    path.replace(aside)  # there nobody begins to use it, as somebody may have since that look
                    if aside.stat().st_mtime < oldest:
                        aside.unlink()
                    else:
                        aside.replace(path)
            except OSError:  # another process did it, or has it open (Windows)
                continue


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def _read(path: Path) -> bytes:
    for place in (path, _aside(path)):
        with contextlib.suppress(FileNotFoundError):
            return place.read_bytes()
    return path.read_bytes()  # it has been put back
