"""Suites with a `first_line` run in a process that begins with it, and end here as they ended there."""

from __future__ import annotations

pytest_plugins = "pytester"

FILE = """
import builtins, os
import pytest

print("imported", getattr(builtins, "patched", None))

class TestPatched:
    first_line = "import builtins; builtins.patched = __import__('os').getpid()"

    def test_passes(self):
        assert builtins.patched == os.getpid()

    def test_fails(self):
        assert builtins.patched == 0, "as it should"

    def test_is_skipped(self):
        pytest.skip("for a reason")

    @pytest.fixture
    def broken(self):
        raise RuntimeError("not this one")

    def test_fails_at_setup(self, broken):
        pass

    {last}

def test_beside():
    assert not hasattr(builtins, "patched")
"""


def test_outcomes_are_those_of_the_child(pytester):
    pytester.makepyfile(FILE.format(last=""))
    result = pytester.runpytest_subprocess("-rsf", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1, skipped=1, errors=1)
    result.stdout.fnmatch_lines_random(["*as it should*", "*for a reason*", "*not this one*"])


def test_a_child_that_dies_fails_what_it_did_not_get_to(pytester):
    pytester.makepyfile(FILE.format(last="def test_kills(self): print('last words', flush=True); os._exit(7)"))
    result = pytester.runpytest_subprocess("-s", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=2, skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*ended without a result for this test*", "*exit code 7*"])


def test_only_what_was_selected_runs(pytester):
    pytester.makepyfile(FILE.format(last="def test_kills(self): os._exit(7)"))
    pytester.runpytest_subprocess("-k", "passes", "-p", "no:cacheprovider").assert_outcomes(passed=1, deselected=5)
