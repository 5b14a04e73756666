"""Tasks that kill their process, for real: in the end a dead letter, and everything else has run."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest
from programs import Program

SCRIPT = """
import signal
from funboost_core import redrive

@boost(BoosterParams(queue_name="q", concurrent_num={num}, max_deliveries={most}))
def f(x):
    note("begin", x)
    if x == "poison":
        time.sleep({fuse})
        {death}
    time.sleep({seconds})
    note("end", x)
"""
CONSUME = "if __name__ == '__main__':\n    f.multi_process_consume(1)"
DEATHS = {"exit": "os._exit(3)", "kill": "os.kill(os.getpid(), signal.SIGKILL)"}


@pytest.fixture
def program(tmp_path: Any) -> Any:
    program = Program(tmp_path)
    yield program
    program.close()


def script(**values: Any) -> str:
    return SCRIPT.format(**{"num": 1, "most": 3, "fuse": 0, "death": "pass", "seconds": 0, **values})


def reasons(program: Program, text: str) -> str:
    """What a dry run says, from another process."""
    return program.run(text + "print(dict(redrive('q', dry_run=True).reasons))", name="dry.py").splitlines()[-1]


@pytest.mark.parametrize("death", DEATHS)
def test_what_kills_its_process_is_a_dead_letter_in_the_end(program, death):
    if death == "kill" and sys.platform == "win32":
        pytest.skip("there is no SIGKILL")
    text = script(death=DEATHS[death])
    program.run(text + "f.push_many([{'x': 'before'}, {'x': 'poison'}, {'x': 'after'}])", name="publisher.py")
    program.start(text + CONSUME)
    program.wait_for(1, "end after")
    assert program.wait_for(3, "begin poison") == ["begin poison"] * 3
    assert len(program.wait_for(1, "end before")) == 1
    assert reasons(program, text) == "{'3 workers ended without settling it': 1}"


def test_what_ran_beside_it_is_innocent(program):
    """All that run at once die together; in the end the guilty one dies alone, and the others get through."""
    text = script(num=6, most=4, fuse=0.3, seconds=0.6, death=DEATHS["exit"])
    program.run(text + "f.push_many([{'x': x} for x in ('a', 'b', 'poison', 'c', 'd')])", name="publisher.py")
    program.start(text + CONSUME)
    assert sorted(program.wait_for(4, "end")) == [f"end {x}" for x in "abcd"]
    program.wait_for(4, "begin poison")
    for _ in range(50):
        seen = reasons(program, text)
        if seen != "{}":
            break
    assert seen == "{'4 workers ended without settling it': 1}"
    assert program.log().count("begin poison") == 4


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_restarts_in_order_are_no_deaths(tmp_path):
    """A task that takes longer than the deadline of each deployment."""
    program = Program(tmp_path, DRAIN_SECONDS=0.2)
    try:
        text = script(most=2, seconds=600)
        program.run(text + "f.push('long')", name="publisher.py")
        for count in range(1, 6):
            process = program.start(text + "f.consume()")
            program.wait_for(count, "begin long")
            process.send_signal(signal.SIGTERM)
            process.wait(50)
        assert reasons(program, text) == "{}"
    finally:
        program.close()
