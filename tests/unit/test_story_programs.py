"""The little programs of the stories."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.programs import Program


@pytest.fixture
def program(tmp_path):
    program = Program(tmp_path)
    yield program
    program.close()


def test_a_line_that_is_being_written_is_not_there_yet(program, tmp_path):
    (tmp_path / "log").write_text("\nend 1;\n\nend 2")
    assert program.log() == ["end 1"]
    assert Program(tmp_path / "nowhere").log() == []


def test_who_is_killed_within_a_line_spoils_none(program):
    program.run("for end in range(8):\n    os.write(LOG, b'\\nran 17;'[:end])\n    note('ran', end)")
    assert program.log() == [f"ran {end}" for end in range(8)]


def test_what_a_program_prints_does_not_stop_it(program):
    program.start("print('x' * 1_000_000, flush=True)\nnote('printed')\n")
    assert program.wait_for(1) == ["printed"]


def test_a_script_is_not_written_again_under_who_is_reading_it(program, monkeypatch):
    program.start("note('ran')")
    monkeypatch.setattr(Path, "write_text", None)
    program.start("note('ran')")
    assert program.wait_for(2) == ["ran", "ran"]
