"""Declares the codec; imports nothing but the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core import hookimpl
from funboost_core.records import resolve

if TYPE_CHECKING:
    from funboost_core import Codec
    from funboost_core.task import Task


@hookimpl
def funboost_codec(task: Task) -> Codec:
    """One for each task."""
    codec: Codec = resolve("funboost_hook_compression.codec:Compression")(task)
    return codec
