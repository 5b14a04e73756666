"""The job on a folder made for it, with a known number of files of each kind; and its report of a loss."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PLAIN, LATIN, OLD = 140, 6, 4
TABLE = re.compile(
    r"^(files pushed|parsed twice|parsed|dead letters|lost|[a-z]+(?: runs)?) +(\d+)(?:   |$)", re.MULTILINE
)


@pytest.fixture
def folder(tmp_path):
    """A hundred and fifty Python files: most are plain and large, some in another encoding, some not Python 3."""
    folder = tmp_path / "files"
    folder.mkdir()
    function = "def function_{}(first, second=2):\n    return [first + item for item in range(second)]\n\n\n"
    for number in range(PLAIN):
        text = "".join(function.format(i) for i in range(300))
        (folder / f"plain_{number:03}.py").write_text(text, encoding="utf-8")
    for number in range(LATIN):
        (folder / f"latin_{number}.py").write_bytes("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"))
    for number in range(OLD):
        (folder / f"old_{number}.py").write_text("print 'Python 2'\n", encoding="utf-8")
    return folder


def _simulated(folder, kinds):
    """Files whose first reading is made to fail, as work.py decides it."""
    paths = [str(path) for kind in kinds for path in folder.glob(f"{kind}_*.py")]
    return sum(zlib.crc32(path.encode(errors="replace")) % 20 == 0 for path in paths)


def _job(*arguments):
    return subprocess.run(
        [sys.executable, str(HERE / "main.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_nothing_is_lost_when_a_worker_is_killed_half_way(folder):
    done = _job(folder, "--processes", 2, "--threads", 2, "--qps", 45)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {name: int(number) for name, number in TABLE.findall(done.stdout)}
    assert counts["files pushed"] == PLAIN + LATIN + OLD
    assert counts["parsed"] == PLAIN + LATIN
    assert counts["dead letters"] == OLD
    assert counts["lost"] == 0
    assert "killed worker process" in done.stdout
    assert counts["interrupted"] == counts["redelivered"] >= 1
    # A file of each kind fails: plain ones where that is simulated, Latin ones once, old ones three times. What the
    # killed worker had finished and not acknowledged may have failed once more.
    failed = _simulated(folder, ["plain"]) + LATIN + 3 * OLD
    assert failed <= counts["failed runs"] <= failed + counts["parsed twice"] + 2
    assert counts["runs"] >= counts["parsed"] + counts["failed runs"]
    assert "NOTHING IS LOST" in done.stdout
    assert "slowest files" in done.stdout
    assert "SyntaxError" in done.stdout


def test_limit_and_an_empty_folder(folder, tmp_path):
    done = _job(folder, "--processes", 1, "--limit", 5)
    assert (done.returncode, "files pushed        5" in done.stdout) == (0, True), done.stdout + done.stderr
    empty = _job(tmp_path / "nothing")
    assert (empty.returncode, "has no Python files" in empty.stderr) == (1, True)


def test_what_is_missing_is_reported_as_lost(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path))
    import journal as journals
    import show

    journal = journals.Journal()
    journal.create()
    for name in ("a.py", "b.py"):
        (tmp_path / name).touch()
        with journal.run(str(tmp_path / name), 1) as found:
            found.lines = 7
    with pytest.raises(ZeroDivisionError), journal.run(str(tmp_path / "a.py"), 3):
        1 / 0  # noqa: B018
    assert journal.progress(3) == (2, 1, 1)
    report = show.Report(["a.py", "b.py", "c.py", "d.py"], journal, 1.0, None, dead=1)
    journal.close()
    assert (report.parsed, report.dead, report.lost) == (2, 1, 1)
    assert report.text().endswith("1 FILES ARE LOST")


@pytest.fixture
def main(tmp_path, monkeypatch):
    """The main program as a module, with a journal in `tmp_path`."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path))
    import main

    made = main.Journal()
    made.create()
    yield main, made
    made.close()


class _Worker:
    def __init__(self, pid, ends):
        self.pid, self.kill, self.join = pid, ends, lambda: None


def test_a_worker_that_had_just_ended_its_run_is_not_the_one_that_was_interrupted(main, tmp_path, monkeypatch):
    main, journal = main
    file = tmp_path / "a.py"
    file.touch()
    running = journal.run(str(file), 1)
    running.__enter__()
    end = lambda: running.__exit__(None, None, None)  # noqa: E731  between the look and the kill
    monkeypatch.setattr(main.multiprocessing, "active_children", lambda: [_Worker(os.getpid(), end)])
    assert main.kill_one(journal, 0) is None
    lasting = journal.run(str(file), 1)
    lasting.__enter__()
    monkeypatch.setattr(main.multiprocessing, "active_children", lambda: [_Worker(os.getpid(), lambda: None)])
    assert main.kill_one(journal, 0) == (os.getpid(), [str(file)])


def test_an_interrupted_file_that_is_given_up_afterwards_was_redelivered_too(main, tmp_path):
    _, journal = main
    (tmp_path / "old.py").touch()
    cut = journal.run(str(tmp_path / "old.py"), 3)
    cut.__enter__()
    assert journal.redelivered(os.getpid()) == 0
    with pytest.raises(SyntaxError), journal.run(str(tmp_path / "old.py"), 3):
        raise SyntaxError
    assert journal.redelivered(os.getpid()) == 1


def test_only_the_main_program_makes_the_journal(main, tmp_path, monkeypatch):
    main, journal = main
    assert journal.rows("PRAGMA journal_mode") == [("wal",)]
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    first_thread_of_a_worker = main.Journal()
    assert first_thread_of_a_worker.rows("PRAGMA journal_mode") == [("delete",)]  # two that switch at once: "locked"
    first_thread_of_a_worker.close()
