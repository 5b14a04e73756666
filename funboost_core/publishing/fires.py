"""Publishing what a schedule fires.

The task id of a fire is made of the schedule's id and the due time, so that all copies of one fire have the same; each
copy is marked, so that `consuming/fires.py` can tell them apart.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..message import encode

if TYPE_CHECKING:
    from ..booster import Booster

FIRE = "fire"
"""Entry of the extra of a fire: which copy of it this message is."""


def fire_id(queue_name: str, schedule_id: str, due: float) -> str:
    """The task id of what a schedule fires at `due` (epoch seconds).

    Example::

        assert fire_id("q", "nightly", 1.5) == "q_result:nightly:1970-01-01T00:00:01.500000Z"
    """
    moment = datetime.datetime.fromtimestamp(due, datetime.timezone.utc)
    return f"{queue_name}_result:{schedule_id}:{moment.isoformat()[:-6]}Z"


class Fires:
    """The way out for the scheduler of one queue."""

    def __init__(self, booster: Booster[Any, Any, Any]) -> None:
        self._booster = booster

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise `SignatureError` or `NotSerializable` where these arguments could not be published."""
        encode(self._bind(args, kwargs), self._booster.queue_name)

    def publish(self, schedule_id: str, due: float, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Publish one copy of the fire of a schedule at `due`; its task id.  Raises as `Booster.publish`."""
        task_id = fire_id(self._booster.queue_name, schedule_id, due)
        extra = {FIRE: os.urandom(6).hex()}
        self._booster.publish({**self._bind(args, kwargs), "extra": extra}, task_id)
        return task_id

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        task = self._booster.task
        assert task.signature is not None  # a Booster has a function
        return task.signature.bind(tuple(args), dict(kwargs), task.params.should_check_publish_func_params)
