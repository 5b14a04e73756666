"""Waiting until a queue has been worked off, as far as that can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ports.capability import Capability

if TYPE_CHECKING:
    from .publishing.publisher import Publisher
    from .task import Task


def wait_until_quiet(task: Task, publisher: Publisher, seconds: float) -> None:
    """Block until for `seconds` no message waited and no consumer, here or elsewhere, ran or finished one."""
    if seconds <= 0:
        raise ValueError(f"minutes must be more than 0, not {seconds / 60}")
    task.need(Capability.COUNT, "wait_for_possible_has_finish_all_tasks", "Count what you finish yourself.")
    clock = task.environment.clock
    look = min(1.0, seconds / 10)
    quiet, seen = 0, -1  # looks and not the clock: who stood still for a while has not seen what went on meanwhile
    while True:
        waiting = publisher.count() or _parked(task)  # first: what is fetched between the two is seen to run
        running, finished = _activity(task)
        quiet = 0 if waiting or running or finished != seen else quiet + 1
        if quiet * look >= seconds:
            return
        seen = finished
        clock.sleep(look)


def _activity(task: Task) -> tuple[int, int]:
    """Messages running now, those of our own consumers included that are about to, and finished so far, over all consumers
    that are known."""
    environment = task.environment
    consumers = [c for c in environment.worker.consumers() if c.task.queue == task.queue]
    running, finished = sum(c.intake.held for c in consumers), 0  # before the rest: who has let go of it is seen to run
    ours = {c.id: c.describe() for c in consumers}
    others = environment.state.coordinator.members(task.queue) if environment.state.has("coordinator") else {}
    for info in {**others, **ours}.values():
        running += int(info["running"])
        finished += int(info["finished"])
    return running, finished


def _parked(task: Task) -> int:
    """Messages that wait in the state store, where the broker does not keep them itself."""
    state = task.environment.state
    if Capability.DELAY in task.capabilities or not state.has("parking"):
        return 0
    return state.parking.count(task.queue)
