"""reaping: a child has ended when its exit code is known, whichever thread saw it first."""

from __future__ import annotations

import multiprocessing

from funboost_core import reaping


class Process:
    """Plays one that another thread is just reaping: joining it returns at once, its exit code comes with a later look."""

    def __init__(self, looks):
        self.looks = looks
        self.sentinel, self._alive = multiprocessing.Pipe(duplex=False)

    def join(self, seconds):
        self.joined = seconds
        if self.looks is not None:
            self._alive.close()

    @property
    def exitcode(self):
        if self.looks is None:
            return None
        self.looks -= 1
        return 7 if self.looks < 0 else None


def test_one_that_another_thread_reaps_has_ended(monkeypatch):
    pauses = []
    monkeypatch.setattr(reaping, "sleep", pauses.append)
    process = Process(looks=3)
    assert reaping.ended(process, 5)
    assert process.exitcode == 7
    assert process.joined == 5
    assert len(pauses) == 3


def test_one_that_lives_is_not_waited_for_any_longer(monkeypatch):
    monkeypatch.setattr(reaping, "sleep", None)
    assert not reaping.ended(Process(looks=None), 5)


def test_one_whose_exit_code_nobody_notes_is_not_waited_for_without_end(monkeypatch):
    """The user's own `os.wait` has taken it."""
    monkeypatch.setattr(reaping, "sleep", lambda seconds: None)
    assert not reaping.ended(Process(looks=10_000), 5)
