"""Topics of queues."""

from __future__ import annotations

import hashlib
import re

_LEGAL = re.compile(r"[A-Za-z0-9._-]{1,249}")
_ILLEGAL = re.compile(r"[^A-Za-z0-9._-]")


def topic_of(queue: str) -> str:
    """The queue's own name; one that Kafka does not allow is cleaned, shortened, and told apart by a digest."""
    if _LEGAL.fullmatch(queue) and queue not in {".", ".."}:
        return queue
    return f"{_ILLEGAL.sub('-', queue)[:200]}-{hashlib.sha256(queue.encode()).hexdigest()[:16]}"
