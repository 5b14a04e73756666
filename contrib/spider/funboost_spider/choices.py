"""What is chosen anew for each attempt: proxies, user agents."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import Callable, Optional, Union

Choice = Union[str, Sequence[str], Callable[[], Optional[str]], None]
"""One for all, several in turn, or a function that is asked; its None means none."""


class Turns:
    """Gives the next one of several, from a random start; another one than the last attempt had, if there is one."""

    def __init__(self, values: Sequence[str]) -> None:
        self._values = list(dict.fromkeys(values))
        if not self._values:
            raise ValueError("An empty list to choose from. Leave the argument out, or give None.")
        self._next = random.randrange(len(self._values))
        self._lock = threading.Lock()

    def __call__(self, last: str | None) -> str:
        """The next one."""
        with self._lock:
            if len(self._values) > 1 and self._values[self._next] == last:  # other threads take turns too
                self._next = (self._next + 1) % len(self._values)
            chosen = self._values[self._next]
            self._next = (self._next + 1) % len(self._values)
            return chosen


def chooser(choice: Choice) -> Callable[[str | None], str | None]:
    """A function from what the last attempt had to what the next one gets."""
    if choice is None or isinstance(choice, str):
        return lambda last: choice
    if callable(choice):
        asked = choice
        return lambda last: asked()
    return Turns(choice)
