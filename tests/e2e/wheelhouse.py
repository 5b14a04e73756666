"""Wheels of this checkout, and new environments to install them into."""

from __future__ import annotations

import email.message
import email.parser
import os
import re
import subprocess
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

import workspace


class Wheel:
    """One built distribution."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.distribution = workspace.distributions()[re.sub("[-_.]+", "-", path.name.split("-")[0])]
        self.package = self.distribution.name.replace("-", "_")
        with zipfile.ZipFile(path) as archive:
            self.files = {name for name in archive.namelist() if not name.endswith("/")}
            [metadata] = [name for name in self.files if name.endswith(".dist-info/METADATA")]
            self.info = metadata.rpartition("/")[0]
            self.texts = {
                name.removeprefix(f"{self.info}/"): archive.read(name).decode()
                for name in self.files
                if name.startswith(self.info)
            }
        self.metadata: email.message.Message = email.parser.Parser().parsestr(self.texts["METADATA"])

    @property
    def requirements(self) -> list[str]:
        """What it always needs."""
        return [line for line in self.metadata.get_all("Requires-Dist", []) if "extra ==" not in line]


class Wheelhouse:
    """A folder with the wheels of all distributions of this checkout; built when it is empty."""

    def __init__(self, folder: Path) -> None:
        if not list(folder.glob("*.whl")):
            workspace.wheels(folder)
        self.folder = folder
        self.wheels = {wheel.distribution.name: wheel for wheel in map(Wheel, sorted(folder.glob("*.whl")))}

    def foreign(self, names: Iterable[str]) -> list[str]:
        """The requirements of these distributions that are not of this checkout."""
        lines = {line for name in names for line in self.wheels[name].requirements}
        return sorted(line for line in lines if re.split(r"[^\w.-]", line)[0] not in self.wheels)


class Place:
    """A new virtual environment and an empty folder beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir(parents=True)
        venv.create(folder / "venv", with_pip=True)
        self.python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def pip(self, *arguments: str) -> None:
        done = self.run("-m", "pip", "--disable-pip-version-check", *arguments)
        assert done.returncode == 0, done.stdout

    def install(self, house: Wheelhouse, *names: str, others: tuple[str, ...] = ()) -> None:
        """Install the named wheels and nothing else of ours: what they need of each other must be among the names.

        What comes from the package index is asked for in a call of its own, so that the index is never asked for a
        name of ours.
        """
        self.pip("install", "--quiet", *house.foreign(names), *others)
        self.pip("install", "--quiet", "--no-index", *(str(house.wheels[name].path) for name in names))

    def installed(self) -> set[str]:
        """Names of the distributions of ours that are there."""
        listed = self.run("-m", "pip", "list", "--format=freeze", "--disable-pip-version-check").stdout
        return {line.split("==")[0].lower() for line in listed.splitlines() if line.startswith("funboost")}

    def run(self, *arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run Python there, without anything of the environment that runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FUNBOOST_", "PYTHON"))}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**kept, "FUNBOOST_DATA_DIR": str(self.folder / "data"), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )

    def program(self, source: str, name: str = "program.py") -> str:
        """Run a script; its output.  A non-zero exit code is an error."""
        (self.folder / name).write_text(source)
        done = self.run(name, seconds=120)
        assert done.returncode == 0, done.stdout
        return done.stdout
