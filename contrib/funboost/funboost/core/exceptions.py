"""The exceptions, under their documented names.

The first group is raised by a task to say what becomes of its message (run again, back into the queue, to the
dead-letter queue), the second by results that are waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from ..aliases import EXCEPTIONS
from ..lazy import exporter

if TYPE_CHECKING:
    from ..aliases import *  # noqa: F403

__all__ = sorted(EXCEPTIONS)  # noqa: PLE0605
__getattr__: Callable[[str], Any] = exporter(__name__, EXCEPTIONS)
