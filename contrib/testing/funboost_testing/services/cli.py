"""The command line: list, up, run, install."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from funboost_core.native import sleep

from . import catalog
from .base import Service, Unavailable
from .install import install


def main(arguments: Sequence[str]) -> int:
    """``services list | up NAME … | run [--with NAME] -- COMMAND … | install [NAME …]``; the exit code."""
    parser = _parser()
    options = parser.parse_args(list(arguments))
    try:
        return int(options.do(options) or 0)
    except (Unavailable, LookupError) as error:
        _tell(error.args[0])
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m funboost_testing")
    areas = parser.add_subparsers(required=True, metavar="services")
    commands = areas.add_parser("services", help="servers for tests").add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("list", help="which servers there are, and whether they are installed").set_defaults(do=_list)
    up = commands.add_parser("up", help="start servers, say where, and run until Ctrl-C")
    up.set_defaults(do=_up)
    run = commands.add_parser("run", help="run a command with servers beside it, named in its environment")
    run.set_defaults(do=_run)
    run.add_argument("--with", dest="names", action="append", metavar="NAME", help="default: all that are installed")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    installing = commands.add_parser("install", help="install servers from Debian's packages")
    installing.set_defaults(do=_install)
    installing.add_argument("names", nargs="*", metavar="NAME", help=f"default: those in {catalog.LOCK}")
    up.add_argument("names", nargs="+", metavar="NAME", help=", ".join(catalog.services()))
    for command in (up, run):
        command.add_argument("--install", action="store_true", help="install first what is missing")
    return parser


def _list(options: argparse.Namespace) -> None:
    for name, service in catalog.services().items():
        where = service.given() and f"{service.variable} is set"
        _tell(f"{name:12} {where or service.executable() or 'missing; Debian package ' + service.package}")


def _install(options: argparse.Namespace) -> None:
    names = options.names or sorted(catalog.required(Path.cwd()))
    install([catalog.find(name) for name in names])


def _up(options: argparse.Namespace) -> None:
    with ExitStack() as running:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # before anybody can know that we run
        _start(options, [catalog.find(name) for name in options.names], running)
        try:
            while True:
                sleep(0.2)  # not `signal.pause`: it would sleep through a signal that comes right before it
        except KeyboardInterrupt:
            pass


def _run(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LookupError("there is no command to run; write it after --")
    if options.names:
        wanted = [catalog.find(name) for name in options.names]
    else:
        wanted = [service for service in catalog.services().values() if not service.missing()]
    with ExitStack() as running:
        variables = _start(options, wanted, running)
        return subprocess.call(command, env={**os.environ, **variables})


def _start(options: argparse.Namespace, wanted: list[Service], running: ExitStack) -> dict[str, str]:
    """Start those that the environment does not name already; their variables."""
    if options.install:
        install(wanted)
    variables = {}
    for service in wanted:
        variables[service.variable] = service.given() or running.enter_context(service.start()).url
        _tell(f"{service.variable}={variables[service.variable]}")
    return variables


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
