"""A real job on a real folder: parse every Python file in it, in several processes, and lose nothing.

    python docs/examples/main_job/main.py [folder] [--processes 3] [--threads 4] [--qps 120] [--limit 0]

Every file becomes one task. The tasks wait in a queue in a SQLite file and are worked off by processes x threads, `qps`
of them a second. Half-way one of the worker processes is killed, as by `kill -9`, while it is parsing. Exit code 1 if
anything was lost.

`work.py` is the task itself, `show.py` draws the progress and the table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import show
from journal import Journal

BATCH = 200
PATIENCE = 30.0  # seconds without progress after which what is missing counts as lost
LARGE = 20_000  # bytes; parsing a file of that size takes long enough to be hit in the middle of it


def main() -> int:
    """Run the job; the exit code."""
    options = read_command_line()
    files = python_files(options.folder)[: options.limit or None]
    if not files:
        sys.exit(f"{options.folder} has no Python files.")
    workspace = Path(tempfile.mkdtemp(prefix="funboost-main-job-"))
    # The worker processes inherit the environment: that is how they learn the same.
    os.environ["FUNBOOST_DATA_DIR"] = str(workspace)
    os.environ["MAIN_JOB_THREADS"] = str(options.threads)
    os.environ["MAIN_JOB_QPS"] = str(options.qps / options.processes)
    try:
        return run(files, options.processes, options.qps)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def run(files: list[str], processes: int, qps: float) -> int:
    """Push, work off, kill one worker, wait, report; the exit code."""
    from funboost import BoosterParams, boost
    from work import parse_file

    from funboost_core import default

    journal = Journal()
    journal.create()
    print(f"{len(files)} Python files -> queue {parse_file.queue_name!r} ({parse_file.boost_params.broker_kind})")
    seconds = push(parse_file, files)
    print(f"pushed in {seconds:.2f} s, {len(files) / seconds:,.0f} a second")
    print(f"{processes} processes x {parse_file.boost_params.concurrent_num} threads, at most {qps:g} starts a second")
    print("every 20th file is on a simulated flaky disk: reading it fails the first time\n")

    dead_letters = boost(BoosterParams(queue_name="main_job_dlx"))(parse_file.consuming_function)
    began = time.monotonic()
    parse_file.multi_process_consume(processes)
    try:
        killed = watch(journal, len(files), parse_file.boost_params.max_retry_times + 1)
    finally:
        default().worker.stop()  # the workers end what they have begun
    report = show.Report(files, journal, time.monotonic() - began, killed, dead_letters.get_message_count())
    print(report.text())
    default().close()
    journal.close()
    return 1 if report.lost else 0


def push(parse_file, files: list[str]) -> float:
    """Publish one task per file, a batch at a time; the seconds it took."""
    began = time.perf_counter()
    for start in range(0, len(files), BATCH):
        parse_file.push_many([{"path": path} for path in files[start : start + BATCH]])
    return time.perf_counter() - began


def watch(journal: Journal, total: int, attempts: int) -> show.Killed | None:
    """Show the progress until every file is parsed or given up; kill one worker half-way."""
    bar = show.ProgressBar(total)
    killed, before, moved = None, None, time.monotonic()
    while True:
        progress = journal.progress(attempts)
        bar.update(progress)
        if progress != before:
            before, moved = progress, time.monotonic()
        finished = progress.parsed + progress.given_up
        if finished >= total or time.monotonic() - moved > PATIENCE:
            bar.close()
            return killed
        hunting = killed is None and 2 * finished >= total
        if hunting:
            killed = kill_one(journal, LARGE if 4 * finished < 3 * total else 0)
            if killed:
                names = ", ".join(Path(path).name for path in killed.files)
                bar.note(f"killed worker process {killed.process} while it parsed {names}")
        time.sleep(0.002 if hunting else 0.2)


def kill_one(journal: Journal, size: int) -> show.Killed | None:
    """Kill a worker that is parsing a file of at least `size` bytes right now; None when none was."""
    workers = {process.pid: process for process in multiprocessing.active_children()}
    for process, _ in journal.running(size):
        if process in workers:
            workers[process].kill()
            workers[process].join()
            files = journal.interrupted(process)
            return show.Killed(process, files) if files else None  # it may just have ended what it did
    return None


def python_files(folder: Path) -> list[str]:
    """All Python files of a folder, without installed packages."""
    return sorted(str(path) for path in folder.rglob("*.py") if "site-packages" not in path.parts and path.is_file())


def read_command_line() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Parse every Python file of a folder as a distributed job.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(sysconfig.get_paths()["stdlib"]),
        help="default: the standard library of this Python",
    )
    parser.add_argument("--processes", type=int, default=3, help="worker processes (default: 3)")
    parser.add_argument("--threads", type=int, default=4, help="threads in each (default: 4)")
    parser.add_argument("--qps", type=float, default=120, help="starts a second, of all together (default: 120)")
    parser.add_argument("--limit", type=int, default=0, help="only so many files (default: all)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
