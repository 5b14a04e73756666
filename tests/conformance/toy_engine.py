"""A little task framework that knows nothing of funboost: a queue in a SQLite file, worker threads, retries, delays.

A job belongs to a worker while its lease is renewed; a job whose worker has died is taken by another one.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager

LEASE = 10.0  # renewed four times meanwhile, however busy the machine


class Again(Exception):
    """Raised by a job: run it again after `delay` seconds."""

    def __init__(self, delay=0.0):
        super().__init__(delay)
        self.delay = delay


class Toy:
    """Jobs of all kinds in one file.  A job runs as ``function(payload, tries)``."""

    def __init__(self, path):
        self.path = str(path)
        self.functions = {}
        with self._write() as link:
            link.execute("pragma journal_mode = wal")
            link.execute(
                "create table if not exists jobs (id integer primary key, name text, payload blob, priority integer,"
                " due real, lease real default 0, tries integer default 0)"
            )

    @contextmanager
    def _write(self):
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as link:
            link.execute("pragma synchronous = off")  # outlives its process, and that is all a toy promises
            yield link

    def enqueue(self, name, payloads):
        """Add jobs: (payload, priority, due, earlier tries)."""
        with self._write() as link:
            link.execute("begin immediate")
            rows = [(name, *payload) for payload in payloads]
            link.executemany("insert into jobs (name, payload, priority, due, tries) values (?, ?, ?, ?, ?)", rows)
            link.execute("commit")

    def count(self, name):
        with self._write() as link:
            return link.execute("select count(*) from jobs where name = ? and not lease", (name,)).fetchone()[0]

    def purge(self, name):
        with self._write() as link:
            link.execute("delete from jobs where name = ? and not lease", (name,))

    def work(self, name, threads, stop):
        """Run up to so many jobs at once until `stop` is set; then return when they have ended."""
        mine, free, done = set(), threading.Semaphore(threads), threading.Event()
        renewing = threading.Thread(target=self._renew, args=(mine, done), daemon=True)
        renewing.start()
        try:
            while not stop.is_set():
                if not free.acquire(timeout=0.02):
                    continue
                job = self._claim(name)
                if job is None:
                    free.release()
                    stop.wait(0.01)
                else:
                    mine.add(job[0])
                    threading.Thread(target=self._run, args=(name, job, mine, free), daemon=True).start()
        finally:
            for _ in range(threads):
                free.acquire()
            done.set()
            renewing.join()

    def _run(self, name, job, mine, free):
        try:
            number, payload, tries = job
            self._finish(number, self._attempt(name, payload, tries))
        finally:
            mine.discard(job[0])
            free.release()

    def _attempt(self, name, payload, tries):
        try:
            self.functions[name](payload, tries)
        except Again as again:
            return again.delay
        except Exception:  # a failed job is done with, as a finished one
            return None

    def _claim(self, name):
        now = time.time()
        with self._write() as link:
            link.execute("begin immediate")
            job = link.execute(
                "select id, payload, tries + 1 from jobs where name = ? and due <= ? and lease < ?"
                " order by priority desc, id limit 1",
                (name, now, now),
            ).fetchone()
            if job is not None:
                link.execute("update jobs set lease = ?, tries = tries + 1 where id = ?", (now + LEASE, job[0]))
            link.execute("commit")
            return job

    def _renew(self, mine, done):
        while not done.wait(LEASE / 4):
            with self._write() as link:
                for number in list(mine):
                    link.execute("update jobs set lease = ? where id = ? and lease", (time.time() + LEASE, number))

    def _finish(self, number, delay):
        with self._write() as link:
            if delay is None:
                link.execute("delete from jobs where id = ?", (number,))
            else:
                link.execute("update jobs set lease = 0, due = ? where id = ?", (time.time() + delay, number))
