"""Lets another framework work a queue off: serves its engine on a thread, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..native import Condition, Event, Thread
from .line import Line
from .restarting import keep_running

if TYPE_CHECKING:
    from ..ports.broker import Body, Delivery
    from ..ports.engine import EngineBroker, Execute, Executed
    from ..task import Task
    from .gate import Gate


class EngineLine(Line):
    """Serves the engine on a real thread of its own, again and again until it is told to stop."""

    def __init__(self, task: Task, engine: EngineBroker, gate: Gate, execute: Execute) -> None:
        self._task = task
        self._engine = engine
        self._gate = gate
        self._execute = execute
        self._clock = task.environment.clock
        self._stop = Event()
        self._changed = Condition()
        self._serving = False
        self._inside: set[object] = set()
        self.trouble: str = ""

    @property
    def running(self) -> int:
        """Messages that the engine's workers have brought and that are not done with."""
        return len(self._inside)

    def start(self) -> None:
        """Bind the function and serve."""
        self._engine.bind(self._task, self._run)
        self._serving = True
        Thread(target=self._serve, name=f"funboost-{self._task.queue_name}-engine", daemon=True).start()

    def resize(self, limit: int) -> None:
        """An engine has the number of workers with which it began."""
        if limit != self._task.params.concurrent_num:
            self._task.logger.warning(
                "%s: the number of workers of %s cannot be changed while it serves; it stays as it is.",
                self._task.queue_name,
                self._task.spec.kind,
            )

    def stop(self) -> list[Delivery]:
        """Let the engine end its workers; what they run goes on."""
        self._stop.set()
        return []

    def join(self, seconds: float) -> bool:
        """Wait at most `seconds` until the engine has ended; whether it has."""
        deadline = self._clock.monotonic() + seconds
        with self._changed:
            while self._serving or self._inside:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return False
                self._clock.wait(self._changed, left)
        return True

    def _run(self, body: Body | str, attempts: int = 1) -> Executed:
        mark = object()
        self._inside.add(mark)
        try:
            return self._execute(body, attempts)
        finally:
            self._inside.discard(mark)
            if self._stop.is_set():
                self._notify()

    def _serve(self) -> None:
        keep_running(lambda: self._engine.serve(self._stop), self._stop, self._clock, self._tell, self._rest)
        self._serving = False
        self._notify()

    def _tell(self, error: BaseException | None, pause: float) -> None:
        error = error or RuntimeError("it returned")
        self._task.logger.warning(
            "%s: the engine %s ended by itself (%s: %s); serving it again in %.1f s",
            self._task.queue_name,
            self._task.spec.kind,
            type(error).__name__,
            error,
            pause,
        )
        self.trouble = f"{type(error).__name__}: {error}"
        self._task.environment.worker.trouble(error)

    def _rest(self, pause: float) -> None:
        self._gate.hold(pause)
        self.trouble = ""

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
