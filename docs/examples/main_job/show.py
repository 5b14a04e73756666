"""What the job shows: a progress bar, or plain lines where the output is no terminal, and the table at the end."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple, Optional

from journal import Journal, Progress

WIDTH = 30


class Killed(NamedTuple):
    """The worker that was killed, and the files it was parsing."""

    process: int
    files: list[str]


class ProgressBar:
    """One line that is drawn again and again on a terminal; a line every tenth of the way elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = time.monotonic()
        self._terminal = sys.stdout.isatty()
        self._shown = -1

    def update(self, progress: Progress) -> None:
        """Show how far it is."""
        done = progress.parsed + progress.given_up
        rate = done / max(time.monotonic() - self._began, 0.001)
        text = f"{done:>6}/{self._total}  {rate:4.0f} a second  {progress.failed} failed runs"
        if self._terminal:
            filled = WIDTH * done // self._total
            self._write(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {text}   ")
        elif 10 * done // self._total > self._shown:
            self._shown = 10 * done // self._total
            self._write(text + "\n")

    def note(self, text: str) -> None:
        """Show a line of text."""
        self._write(f"\n{text}\n")

    def close(self) -> None:
        """End the line."""
        self._write("\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class Report:
    """The counts at the end, all from the journal and from the queues."""

    def __init__(self, files: list[str], journal: Journal, seconds: float, killed: Optional[Killed], dead: int) -> None:
        count = "SELECT count(*) FROM runs WHERE "
        parsed = dict(journal.rows("SELECT path, count(*) FROM runs WHERE seconds > 0 AND error IS NULL GROUP BY path"))
        self.files, self.parsed, self.dead, self.seconds = len(files), len(parsed), dead, seconds
        self.lost = self.files - self.parsed - dead
        (self.runs,) = journal.rows("SELECT count(*) FROM runs")[0]
        (self.failed,) = journal.rows(count + "error IS NOT NULL")[0]
        (self.simulated,) = journal.rows(count + "error LIKE 'OSError: simulated%'")[0]
        (self.retries,) = journal.rows(count + "attempt > 1")[0]
        self.killed, self.redelivered = killed, journal.redelivered(killed.process) if killed else 0
        self.twice = sum(runs > 1 for runs in parsed.values())
        self.found = journal.rows("SELECT total(lines), total(functions), total(classes) FROM runs")[0]
        self.slowest = journal.rows("SELECT seconds, lines, path FROM runs WHERE lines ORDER BY seconds DESC LIMIT 5")
        self.given_up = journal.rows("SELECT path, error FROM runs WHERE error IS NOT NULL AND attempt = 3 LIMIT 5")

    def text(self) -> str:
        """The table."""
        lines, functions, classes = (f"{int(number):,}" for number in self.found)
        table = [
            ("files pushed", self.files, ""),
            ("parsed", self.parsed, f"{lines} lines, {functions} functions, {classes} classes"),
            ("dead letters", self.dead, "failed three times; the messages wait in main_job_dlx"),
            ("lost", self.lost, ""),
            ("runs", self.runs, f"in {self.seconds:.1f} s, {self.runs / self.seconds:.0f} a second"),
            ("failed runs", self.failed, f"{self.simulated} simulated; the others are real: no UTF-8, no Python 3"),
            ("retries", self.retries, "half a second after the failure"),
            ("interrupted", len(self.killed.files) if self.killed else 0, self._victim()),
            ("redelivered", self.redelivered, "of the interrupted ones, run by another process afterwards"),
            ("parsed twice", self.twice, "had ended when the worker was killed, not yet acknowledged"),
        ]
        text = ["", *(f"{name:<14}{number:>7}   {remark}".rstrip() for name, number, remark in table)]
        text += ["", "slowest files"]
        text += [f"{seconds * 1000:>11.0f} ms   {n:>6} lines   {Path(path).name}" for seconds, n, path in self.slowest]
        if self.given_up:
            text += ["", "dead letters"]
            text += [f"{Path(path).name:>31}   {error[:80]}" for path, error in self.given_up]
        text += ["", "NOTHING IS LOST" if not self.lost else f"{self.lost} FILES ARE LOST"]
        return "\n".join(text)

    def _victim(self) -> str:
        return f"runs in process {self.killed.process} when it was killed" if self.killed else "no process was killed"
