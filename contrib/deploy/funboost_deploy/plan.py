"""What a deployment would do, or has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .project import Place


@dataclass(frozen=True)
class Plan:
    """Shown by ``print``.

    `files` are those that have changed, `unchanged` the number of the others; `left_out` says why files are not
    uploaded, and how many; `script` is what the shell of the other machine is told, with ``***`` for the values of
    environment variables.
    """

    host: str
    place: Place
    remote_folder: str
    files: tuple[str, ...]
    bytes: int
    unchanged: int
    left_out: Mapping[str, int]
    log: str
    command: str
    script: str

    def __str__(self) -> str:
        left = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items())) or "nothing"
        listed = "".join(f"\n  {name!r}" for name in self.files)
        return (
            f"{self.place.root} -> {self.host}:{self.remote_folder}\n"
            f"to upload: {len(self.files)} files, {self.bytes} bytes ({self.unchanged} unchanged; left out: {left})"
            f"{listed}\nto run: {self.command}\nits output: {self.log}\nthe shell's input:\n{self.script}"
        )
