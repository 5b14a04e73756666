"""The distributions of this checkout: which there are, what they need of each other, how to install and build them.

Used by tox.ini (``python tests/repo/workspace.py install broker-sqlite-queue``) and by the tests in this folder.  A
distribution is named in full (``funboost-broker-sqlite-queue``) or as its tox environments are called: without its
first word, with or without ``-lowest`` at the end.  What a distribution needs of this checkout is installed from it,
never from a package index.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"brokers": "broker", "pools": "pool", "stores": "store", "schedulers": "scheduler", "hooks": "hook"}


@dataclasses.dataclass(frozen=True)
class Distribution:
    """One folder with a pyproject.toml."""

    folder: Path
    pyproject: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.pyproject["project"]["name"])

    @property
    def room(self) -> str | None:
        """brokers, pools, stores …; None for the core and contrib."""
        room = self.folder.parent.name
        return room if room in ROOMS and self.folder.parents[1].name == "plugins" else None

    @property
    def needs(self) -> set[str]:
        """Names of the distributions that it always depends on, normalised."""
        return {_requirement(line) for line in self.pyproject["project"].get("dependencies", [])}


def _requirement(line: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", line)
    assert found, f"not a requirement: {line!r}"
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def distributions(root: Path = ROOT) -> dict[str, Distribution]:
    """Every distribution of the checkout by name; the core comes first."""
    files = [root / "pyproject.toml", *sorted(root.glob("plugins/*/*/pyproject.toml"))]
    files += [file for file in sorted(root.glob("contrib/*/pyproject.toml")) if "{{" not in file.read_text("utf-8")]
    found = [Distribution(file.parent, tomllib.loads(file.read_text("utf-8"))) for file in files]
    return {distribution.name: distribution for distribution in found}


def select(names: Iterable[str]) -> list[Distribution]:
    """The named distributions and what they need of this checkout.

    `names` may contain ``all`` and ``standalone``: those plugins that need nothing but the core, thus no client
    library, which every supported Python can therefore run.
    """
    known = distributions()
    core = {"funboost-core", *known["funboost-core"].needs}
    wanted: dict[str, Distribution] = {}

    def add(name: str) -> None:
        if name in known and name not in wanted:
            wanted[name] = known[name]
            for needed in sorted(known[name].needs):
                add(needed)

    for name in names:
        if name == "all":
            chosen = list(known)
        elif name == "standalone":
            chosen = [other for other, its in known.items() if its.room and its.needs <= core]
        elif name in known or f"funboost-{name}" in known:
            chosen = [name if name in known else f"funboost-{name}"]
        else:
            raise SystemExit(f"no distribution {name!r} in this checkout; there are: all standalone {' '.join(known)}")
        for one in chosen:
            add(one)
    return [distribution for name, distribution in known.items() if name in wanted]


def _pip(*arguments: str) -> None:
    # The build backend is in the environment already (tox.ini), so that twenty builds do not install it twenty times.
    command = [sys.executable, "-m", "pip", *arguments[:1], "--quiet", "--no-build-isolation", *arguments[1:]]
    subprocess.run(command, check=True)


def install(names: Iterable[str], lowest: bool = False) -> None:
    """Install in editable form into the environment of this interpreter, unless nothing changed since last time.

    With `lowest`, libraries in the lowest versions that the distributions say they work with.
    """
    chosen = select(names)
    stamp = Path(sys.prefix, "workspace.stamp")
    content = hashlib.sha256()
    for distribution in chosen:
        content.update(str(distribution.folder).encode() + (distribution.folder / "pyproject.toml").read_bytes())
    if stamp.exists() and stamp.read_text() == content.hexdigest():
        return
    arguments = [part for its in chosen for part in ("--editable", str(its.folder))]
    if lowest:
        constraints = Path(sys.prefix, "lowest.txt")
        constraints.write_text("\n".join(lowest_versions(chosen)), "utf-8")
        arguments += ["--constraint", str(constraints)]
    _pip("install", *arguments)
    stamp.write_text(content.hexdigest())


def lowest_versions(chosen: Iterable[Distribution]) -> list[str]:
    """What pip is told so that it takes the lowest versions that are allowed: lines such as ``redis==5``."""
    known = distributions()
    lines = [line for its in chosen for line in its.pyproject["project"].get("dependencies", [])]
    found = [re.match(r"([A-Za-z0-9._-]+)>=([0-9.]+)[^;]*(;.*)?$", line) for line in lines]
    return sorted({f"{its[1]}=={its[2]}{its[3] or ''}" for its in found if its and its[1] not in known})


def wheels(folder: Path) -> None:
    """Build a wheel of every distribution."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), *(str(its.folder) for its in select(["all"])))


def _plain(name: str) -> str:
    """The distribution that a tox environment of that name tests."""
    return name.removesuffix("-lowest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name and folder of every distribution")
    install_ = commands.add_parser("install", help="install in editable form")
    install_.add_argument("names", nargs="+", type=_plain)
    install_.add_argument("--lowest", action="store_true", help="libraries in the lowest versions that are allowed")
    commands.add_parser("wheels", help="build every wheel into FOLDER").add_argument("folder", type=Path)
    test = commands.add_parser("test", help="run one distribution's own tests")
    test.add_argument("name", type=_plain)
    test.add_argument("pytest", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.command == "list":
        for distribution in distributions().values():
            print(f"{distribution.name:40}{distribution.folder.relative_to(ROOT)}")
    elif options.command == "install":
        install(options.names, options.lowest)
    elif options.command == "wheels":
        wheels(options.folder)
    else:
        import pytest

        [tested] = [its for its in distributions().values() if its.name in {options.name, f"funboost-{options.name}"}]
        configured = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
        sys.exit(pytest.main([*configured, str(tested.folder / "tests"), *options.pytest]))


if __name__ == "__main__":
    main()
