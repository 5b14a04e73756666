"""We, the raw limit and the peers, interleaved: ``python tests/bench/run.py --help``.  README.md says how to read it."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import fnmatch
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cases import CASES, PEERS, Case
from funboost_testing.services import find
from report import Measurement, table

HERE = Path(__file__).parent


class Failed(RuntimeError):
    """A program did not measure anything."""


def main() -> None:
    arguments = _arguments()
    cases = [case for case in CASES.values() if any(fnmatch.fnmatch(case.name, p) for p in arguments.cases)]
    if not cases:
        sys.exit(f"No case is called {', '.join(arguments.cases)}. There are: {', '.join(CASES)}")
    pythons = {name: python for name in ("ours", *arguments.peers) if (python := _python(name))}
    measurements: list[Measurement] = []
    with _redis(cases):
        _rounds(arguments, cases, pythons, measurements)
    if arguments.out:
        Path(arguments.out).write_text(json.dumps({**_about(), "measurements": measurements}, indent=1), "utf-8")
    print(table(measurements))


@contextlib.contextmanager
def _redis(cases: list[Case]) -> Iterator[None]:
    """A server for the cases that want one, unless the environment names it; without one they are left out, and said."""
    service, wanted = find("redis"), [case for case in cases if case.limit.startswith("redis") or "redis" in case.own]
    if service.missing() or not wanted:
        for case in wanted:
            print(f"{case.name} is left out: {service.missing()}", file=sys.stderr)
            cases.remove(case)
        yield
    elif service.given():
        yield
    else:
        with service.start() as server:
            os.environ[service.variable] = f"{server.url}/1"
            yield


def _rounds(
    arguments: argparse.Namespace, cases: list[Case], pythons: dict[str, str], measurements: list[Measurement]
) -> None:
    try:
        for number in range(1, arguments.rounds + 1):
            for case in cases:
                for measurement in _round(case, pythons, arguments.folder):
                    measurements.append({"round": number, **measurement})
    except KeyboardInterrupt:
        print("Interrupted; this is what was measured.", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Benchmark, as ratios to the raw limit of the same round.")
    parser.add_argument("--cases", default="*", help=f"names or patterns, comma-separated: {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=3, help="every case once a round (default 3)")
    everybody = ",".join(name for name in PEERS if name != "ours")
    parser.add_argument("--peers", default=everybody, help="comma-separated; '' for none (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="a measurement takes so long at most (default 4)")
    parser.add_argument("--folder", help="where databases are made, on the disk that is to be measured")
    parser.add_argument("--out", help="a JSON file for all single figures")
    arguments = parser.parse_args()
    os.environ["FUNBOOST_BENCH_SECONDS"] = str(arguments.seconds)
    arguments.cases = arguments.cases.split(",")
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    unknown = [name for name in arguments.peers if name not in PEERS]
    if unknown:
        parser.error(f"no peer is called {', '.join(unknown)}; there are: {', '.join(PEERS)}")
    return arguments


def _python(name: str) -> str:
    """The interpreter of a peer; "" when it is not there, which is said."""
    peer = PEERS[name]
    if peer.needs and importlib.util.find_spec(peer.needs) is None:
        print(f"{name} is left out: {peer.needs} is not installed here.", file=sys.stderr)
        return ""
    if peer.python and not os.environ.get(peer.python):
        print(f"{name} is left out: {peer.python} names no Python that has it installed.", file=sys.stderr)
        return ""
    if peer.venv:
        place = Path(os.environ.get("FUNBOOST_BENCH_PEERS", "."), name)
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not python.exists():
            print(f"{name} is left out: FUNBOOST_BENCH_PEERS names no folder of install_peers.py.", file=sys.stderr)
            return ""
        return str(python.absolute())
    return os.environ[peer.python] if peer.python else sys.executable


def _round(case: Case, pythons: dict[str, str], folder: str | None) -> Iterator[Measurement]:
    """The limit, then somebody; the limit again, then the next."""
    turns = [("raw", "raw", function, case.options, sys.executable) for function in case.also]
    turns += [
        (name, PEERS[name].module, case.program, {**case.options, **case.own}, python)
        for name, python in pythons.items()
        if name in ("ours", *case.peers)
    ]
    for who, module, program, options, python in turns:
        if case.warm:  # modules are compiled when they are first imported, and that takes memory
            with contextlib.suppress(Failed):
                _measure(python, module, program, options, folder)
        limit = _measure(sys.executable, "raw", case.limit, case.options, folder)
        yield {"case": case.name, "who": "limit", "figure": limit, "limit": limit["value"]}
        try:
            figure = _measure(python, module, program, options, folder)
        except Failed as error:
            if who in ("raw", "ours"):
                raise
            print(f"{case.name}: {who} is left out: {error}", file=sys.stderr)
            continue
        label = f"raw {program}" if who == "raw" else who
        print(f"{case.name:28} {label:8} {figure['value'] / limit['value']:.3f} x", file=sys.stderr)
        yield {"case": case.name, "who": label, "figure": figure, "limit": limit["value"]}


def _measure(python: str, module: str, program: str, options: dict[str, Any], folder: str | None) -> dict[str, Any]:
    """Run one program in a process and a folder of its own."""
    place = tempfile.mkdtemp(prefix="funboost-bench-", dir=folder)
    command = [python, str(HERE / "measure.py"), module, program, json.dumps({**options, "folder": place})]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{module}.{program}({options}) takes for ever:\n{error.stderr}") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if done.returncode:
        raise Failed(f"{module}.{program}({options}) failed:\n{done.stderr}")
    figure: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figure


def _about() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    main()
