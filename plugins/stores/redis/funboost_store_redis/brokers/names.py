"""Names of the keys of a queue; all but the documented list have the queue in braces: one node of a cluster has them.

Where the queue's own name has a part in braces already, that part does it.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"[^{]*\{[^}]+\}")
"""The first braces with something in them decide about the node."""


class QueueKeys:
    """The keys of one queue.

    `lists` are its lists, higher priorities first; the last one is the documented list, with the queue's own name.
    """

    __slots__ = (
        "attempts",
        "bell",
        "delayed",
        "graves",
        "held",
        "lists",
        "owners",
        "queue",
        "returned",
        "start",
        "waiting",
    )

    def __init__(self, queue: str, priorities: int = 0) -> None:
        self.queue = queue
        self.lists: list[str] = [*(f"{queue}:{number}" for number in range(priorities, 0, -1)), queue]
        self.start = start = f"{queue}:" if _TAG.match(queue) else f"{{{queue}}}:"
        self.bell = f"{start}bell"
        self.delayed = f"{start}delayed"
        self.attempts = f"{start}attempts"
        self.returned = f"{start}returned"
        self.owners = f"{start}owners"
        self.graves = f"{start}graves"
        self.held = f"{start}held:"
        self.waiting = f"{start}waiting:"

    def of_priority(self, priority: int) -> str:
        """The list for a priority; one that is too high or too low goes to the nearest."""
        lists = self.lists
        return lists[max(0, min(len(lists) - 1, len(lists) - 1 - priority))]
