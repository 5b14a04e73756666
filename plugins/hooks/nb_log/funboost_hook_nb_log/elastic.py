"""Lines to Elasticsearch or OpenSearch, by its bulk interface; no client library, thus any version."""

from __future__ import annotations

import base64
import json
import logging
import os
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from funboost_core import TaskIdFilter
from funboost_core.errors import ConfigError
from funboost_core.native import Condition, Thread
from funboost_core.settings import hide

from .lines import document, encoded

logger: logging.Logger = logging.getLogger(__name__)  # not below `funboost`, which writes to us
Line = dict[str, Any]


class ElasticHandler(logging.Handler):
    """Sends lines in batches from a thread of its own; what logs never waits.

    While the server is away lines are kept and sent again; beyond `most` the oldest are dropped and counted.

    Args:
        url: ``http[s]://[user:password@]host:port``.
        index: lines of the 28th November 2026 go to ``<index>2026.11.28``.
        most: lines that wait at most.
        pause: seconds between two attempts; doubled up to 30.

    Raises:
        ConfigError: `url` is none.
    """

    BATCH = 500
    GATHER = 1.0
    """Seconds that a line waits for others."""
    LINGER = 2.0
    """Seconds that the end of the process waits for the last lines."""

    def __init__(self, url: str, index: str, most: int = 10_000, pause: float = 1.0) -> None:
        super().__init__()
        self.addFilter(TaskIdFilter())
        self.dropped: int = 0
        self._send: Callable[[list[Line]], int] = _Bulk(url, index)
        self._most, self._pause = most, pause
        self._begin()

    def _begin(self) -> None:
        """Also in a forked process: what waits is its parent's to send, and so is a lock that was held just then."""
        self._pid = os.getpid()
        self._waiting: deque[Line] = deque()
        self._changed = Condition()
        self._thread: Any = None
        self._closing = False
        self._sending = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Line up."""
        try:
            line = document(record)
            if self._pid != os.getpid():
                self._begin()
            with self._changed:
                if len(self._waiting) >= self._most:
                    self._waiting.popleft()
                    self.dropped += 1
                self._waiting.append(line)
                if self._thread is None or not self._thread.is_alive():  # none yet, or it could not start
                    self._thread = Thread(target=self._run, name="funboost-log-elastic", daemon=True)
                    self._thread.start()
                if len(self._waiting) == self.BATCH:
                    self._changed.notify_all()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait until all lines are sent, at most for LINGER seconds."""
        if self._pid != os.getpid():
            return
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not (self._waiting or self._sending), self.LINGER)
            self._closing = False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or len(self._waiting) >= self.BATCH, self.GATHER)
                batch = [self._waiting.popleft() for _ in range(min(self.BATCH, len(self._waiting)))]
                self._sending = len(batch)
            if batch:
                self._deliver(batch)
            with self._changed:
                self._sending = 0
                self._changed.notify_all()

    def _deliver(self, batch: list[Line]) -> None:
        pause = self._pause
        while True:
            try:
                refused = self._send(batch)
            except Exception as error:
                if pause == self._pause:
                    logger.warning("%s; lines wait, at most %d.", error, self._most)
                with self._changed:
                    self._changed.wait(pause)
                pause = min(30.0, pause * 2)
            else:
                self.dropped += refused
                return


class _Bulk:
    """Sends a batch; how many lines the server refused for good.

    Raises:
        OSError: it could not be sent; try again.
    """

    def __init__(self, url: str, index: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            raise ConfigError(f"NB_LOG_ELASTIC_URL={hide('', url)!r} is no http[s]://host:port.")
        where = parts.netloc.rpartition("@")[2]
        self._url = urlunsplit((parts.scheme, where, f"{parts.path.rstrip('/')}/_bulk", parts.query, ""))
        self._shown = hide("", url)
        self._index = index
        self._headers = {"Content-Type": "application/x-ndjson"}
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"

    def __call__(self, batch: list[Line]) -> int:
        rows: list[bytes] = []
        for line in batch:
            day = line["@timestamp"][:10].replace("-", ".")
            rows += [encoded({"create": {"_index": f"{self._index}{day}"}}), encoded(line)]
        request = urllib.request.Request(self._url, b"\n".join(rows) + b"\n", self._headers)  # noqa: S310  checked above
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                told = json.load(answer)
        except (OSError, ValueError) as error:
            raise OSError(f"Elasticsearch at {self._shown} takes no lines ({error})") from error
        return sum(1 for item in told.get("items", ()) for done in item.values() if done.get("status", 200) >= 300)
