"""--funboost-report tells what was proven, and nothing more than that."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest_plugins = "pytester"

SUITE = """
import pytest
from funboost_testing.topics import DECLARED, proves, skip

class Suite:
    funboost_room = "brokers"

    @pytest.fixture(autouse=True)
    def _declared(self, request):
        names = {"COUNT": True, "DELAY": True, "PURGE": True, "BATCH": True, "ACK": self.kind == "GOOD"}
        request.node.user_properties.append((DECLARED, names))

    def test_in_general(self):
        pass

    @proves("COUNT")
    def test_count(self):
        assert self.kind == "GOOD"

    @proves("COUNT", "DELAY")
    def test_count_and_delay(self):
        pass

    @proves("PURGE")
    def test_purge(self):
        if self.kind == "BAD":
            pytest.skip("no server")

    @proves("ACK", "DELAY")
    def test_ack(self, request):
        if self.kind == "BAD":
            skip(request, "BAD does not declare ACK", "ACK")

class TestGood(Suite):
    kind = "GOOD"

class TestBad(Suite):
    kind = "BAD"

class TestOther:
    def test_that_is_none_of_a_suite(self):
        assert False
"""


@pytest.fixture
def run(pytester):
    """Run the test file with options; the report as it was written."""

    def run(text, *options, name="report.json"):
        pytester.makepyfile(text)
        path = pytester.path / "made" / name
        pytester.runpytest_subprocess("-p", "no:cacheprovider", f"--funboost-report={path}", *options)
        return path.read_text("utf-8")

    return run


def states(kinds, kind):
    return {topic: cell["state"] for topic, cell in kinds[kind].items()}


def test_a_capability_is_proven_when_all_tests_that_need_it_passed(run):
    report = json.loads(run(SUITE))
    assert list(report) == ["brokers"]
    assert states(report["brokers"], "GOOD") == {
        "ACK": "proven",
        "BATCH": "untested",
        "COUNT": "proven",
        "DELAY": "proven",
        "PURGE": "proven",
        "contract": "proven",
    }
    assert states(report["brokers"], "BAD") == {
        "ACK": "not declared",
        "BATCH": "untested",
        "COUNT": "failed",
        "DELAY": "proven",
        "PURGE": "incomplete",
        "contract": "proven",
    }
    assert report["brokers"]["BAD"]["COUNT"] == {"state": "failed", "passed": 1, "failed": 1}


def test_what_is_left_out_proves_nothing(run):
    report = json.loads(run(SUITE, "-k", "test_count and not delay"))
    assert states(report["brokers"], "GOOD")["COUNT"] == "incomplete"
    assert states(report["brokers"], "GOOD")["ACK"] == "incomplete"
    assert states(report["brokers"], "BAD")["COUNT"] == "failed"


def test_markdown(run):
    report = run(SUITE, name="report.md").splitlines()
    assert "## brokers" in report
    assert "| | BAD | GOOD |" in report
    assert "| COUNT | ✗ | ✓ |" in report
    assert "| ACK | – | ✓ |" in report
    assert "| PURGE | … | ✓ |" in report
    assert "| BATCH | ? | ? |" in report


def test_the_suites_themselves_are_reported(run):
    report = json.loads(
        run(
            """
            import pytest
            from funboost_testing.brokers import PullBrokerSuite
            from funboost_testing.pools import PoolSuite
            from funboost_testing.stores import FilterSuite
            from funboost_store_memory.store import MemoryState
            from funboost_core import Environment

            class TestMemory(PullBrokerSuite):
                kind = "MEMORY_QUEUE"

            class TestThreads(PoolSuite):
                kind = "threading"

            class TestMemoryFilter(FilterSuite):
                @pytest.fixture
                def make_store(self):
                    return lambda clock: MemoryState("memory://", Environment(clock=clock))
            """,
            "-k",
            "count or priorit or persist or outlive or refused or filter",
        )
    )
    broker = states(report["brokers"], "MEMORY_QUEUE")
    assert (broker["COUNT"], broker["PRIORITY"], broker["PERSISTENT"]) == ("proven", "proven", "not declared")
    assert states(report["pools"], "threading")["shapes"] == "proven"
    assert states(report["stores"], "MemoryFilter") == {"filter": "proven"}


def test_nothing_is_written_unless_asked_for(pytester):
    pytester.makepyfile("def test(): pass")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert not [path for path in pytester.path.iterdir() if path.suffix in {".json", ".md"}]


def test_loading_the_plugin_imports_nothing_of_ours():
    """It is loaded into every test run of whoever has installed it."""
    script = "import pytest, sys, uuid; before = set(sys.modules); import funboost_testing.plugin; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True, text=True)
    services = ("services", "services.catalog", "services.fixtures")
    assert set(done.stdout.split()) == {
        "funboost_testing",
        *(f"funboost_testing.{name}" for name in ("plugin", *services)),
    }
