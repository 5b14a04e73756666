"""What is started, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from funboost_core.errors import ConfigError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HIDES = {None: False, False: False, "err": False, True: True, "out": True, "both": True}
_RUNNER = ("hide", "pty", "warn", "env")


@dataclass(frozen=True)
class Options:
    """How a task is started on the other machine.

    Args:
        processes: how many processes consume.
        python: the interpreter there: a name or a path.
        extra_shell: shell text of yours, run as it is before the start; what it exports reaches the task.  End a command
            that must succeed with ``|| exit 1``.
        environment: variables for the task; their values are shown nowhere.
        remote_folder: ``/home/<user>/codes/<project>`` if None, ``/codes/<project>`` for root.
        attached: what is started ends with this program, and its output is shown here.  Otherwise it goes on for
            itself.
        shown: whether the output is written to ``sys.stdout``.
        warn: that it ends with an exit code other than 0 is a warning in the log and no error.
        stop_seconds: how long earlier runs may take to end their tasks before they are killed.
        watch_seconds: how long it must have run, with child processes, to count as started.
        sftp_log_level: log lines of the upload below it are not written.
    """

    processes: int = 1
    python: str = "python3"
    extra_shell: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    remote_folder: str | None = None
    attached: bool = False
    shown: bool = True
    warn: bool = False
    stop_seconds: float = 40.0
    watch_seconds: float = 3.0
    sftp_log_level: int = 20

    def __post_init__(self) -> None:
        if type(self.processes) is not int or self.processes < 1:  # it becomes part of a program
            raise ConfigError(f"process_num={self.processes!r}: give a whole number, 1 or more.")
        if not self.python or "\0" in f"{self.python}{self.extra_shell}":
            raise ConfigError(f"python_interpreter={self.python!r} is no name of an interpreter.")
        wrong = [name for name in self.environment if not _VARIABLE.fullmatch(name)]
        if wrong:
            raise ConfigError(f"env: {', '.join(map(repr, wrong))} is no name of an environment variable.")


def of_runner(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `Options` from the documented `invoke_runner_kwargs`.

    Raises:
        ConfigError: a key that has no meaning here.
    """
    unknown = sorted(given.keys() - set(_RUNNER))
    if unknown:
        raise ConfigError(
            f"invoke_runner_kwargs: {', '.join(unknown)} has no meaning here; there are: {', '.join(_RUNNER)}."
        )
    hide = given.get("hide")
    if hide not in _HIDES:
        raise ConfigError(f"invoke_runner_kwargs: hide={hide!r} is none of None, False, True, 'out', 'err', 'both'.")
    return {
        "attached": bool(given.get("pty", False)),
        "shown": not _HIDES[hide],
        "warn": bool(given.get("warn", False)),
        "environment": {str(name): str(value) for name, value in (given.get("env") or {}).items()},
    }
