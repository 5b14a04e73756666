"""The command line: ``funboost``, ``python -m funboost`` and ``funboost_cli_user.py``."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command line and end the process with its exit code.

    Args:
        argv: the words after the program's name; those of this process if None.

    Raises:
        SystemExit: with code 0 when all is done, 1 when something failed, 2 when the command or the configuration is
            wrong, 130 after Ctrl-C.
    """
    from .running import run

    raise SystemExit(run(argv))
