"""Runs one program of one peer in this process and prints what it measured: ``measure.py PEER PROGRAM OPTIONS-JSON``."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys

import common


def main() -> None:
    peer, program, options = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):  # what a peer prints is not its figures
        figure = getattr(importlib.import_module(f"peers.{peer}"), program)(**json.loads(options))
    common.tell(figure)


if __name__ == "__main__":
    main()
