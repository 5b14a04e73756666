"""bootstrap: the start of a child of ours is known as that, and the start of nothing else."""

from __future__ import annotations

import os

import pytest

from funboost_core import bootstrap


def test_a_program_that_is_started_at_the_same_moment_is_not_muted(run_python):
    with bootstrap.marked():
        out = run_python(
            "from funboost_core import bootstrap; print(bootstrap.muted)",
            env={bootstrap.MARK: os.environ[bootstrap.MARK]},
        )
    assert out == "False\n"


def test_of_the_processes_that_import_the_main_module_only_ours_are_muted(run_python):
    out = run_python(
        """
import multiprocessing
from funboost_core import bootstrap

print(multiprocessing.current_process().name, bootstrap.muted, flush=True)

def nothing(): ...

if __name__ == "__main__":
    for name in (f"{bootstrap.NAME}q", "another"):
        process = multiprocessing.get_context("spawn").Process(target=nothing, name=name)
        with bootstrap.marked():
            process.start()
        process.join()
"""
    )
    assert out.splitlines() == ["MainProcess False", "funboost-q True", "another False"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_was_forked_while_it_was_marked_can_have_children(run_python):
    out = run_python(
        """
import multiprocessing, os
from funboost_core import bootstrap

def child():
    print(bootstrap.MARK in os.environ, flush=True)
    with bootstrap.marked():
        print("marked", flush=True)

process = multiprocessing.get_context("fork").Process(target=child)
with bootstrap.marked():
    process.start()
process.join(20)
process.kill()
"""
    )
    assert out.splitlines() == ["False", "marked"]
