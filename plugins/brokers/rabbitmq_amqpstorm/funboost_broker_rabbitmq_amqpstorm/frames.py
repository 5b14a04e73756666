"""What the library's frames are called; its version 2, the last for Python 3.9 and 3.10, has an older pamqp."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["commands"]

if TYPE_CHECKING:
    from pamqp import commands
else:
    try:
        from pamqp import commands
    except ImportError:
        from pamqp import specification as commands
