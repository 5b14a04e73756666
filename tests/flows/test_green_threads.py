"""The thread model under monkey patching: real threads for the framework, greenlets for the user's functions.

Each scene is a program of its own (`tests/flows/green`), because patching is for a whole process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "green"))

import green_program

THREADS = [
    "patched_stays",
    "real_threads",
    "real_primitives",
    "off_hub",
    pytest.param("fork", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")),
    "blocking_clients",
]


@pytest.mark.parametrize("scene", THREADS)
@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_real_threads_beside_greenlets(library, scene, tmp_path):
    green_program.play("thread_scenes.py", library, scene, tmp_path)


@pytest.mark.parametrize("scene", ["beats", "logs", "pushes", "first_pushes", "results", "crowd", "counts", "shared"])
@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_the_framework_beside_greenlets(library, scene, tmp_path):
    green_program.play("framework_scenes.py", library, scene, tmp_path)
