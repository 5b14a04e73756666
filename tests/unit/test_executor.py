"""executor: any object with `submit` as a pool, its threads shared by the queues that name it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from funboost_core import ConfigError, PoolContext
from funboost_core.consuming.execution import GIVEN_BACK
from funboost_core.consuming.executor import ExecutorPool

CONTEXT = PoolContext(7, "test")


class Own:
    """A pool of the user's."""

    max_workers = 3

    def submit(self, function, *args):
        function(*args)


def test_its_size_is_its_own():
    with ThreadPoolExecutor(4) as executor:
        assert ExecutorPool(CONTEXT, executor).limit == 4
    assert ExecutorPool(CONTEXT, Own()).limit == 3
    nameless = type("Nameless", (), {"submit": lambda self, function, *args: function(*args)})()
    assert ExecutorPool(CONTEXT, nameless).limit == 7


def test_each_message_is_one_call_and_its_outcome_is_handed_on():
    done = []
    pool = ExecutorPool(CONTEXT, Own())
    pool.submit(["a", "b"], str.upper, lambda delivery, outcome: done.append((delivery, outcome)))
    assert done == [("a", "A"), ("b", "B")]


def test_what_it_takes_no_more_goes_back_and_what_it_has_taken_runs():
    class Closing(Own):
        left = 2

        def submit(self, function, *args):
            if not self.left:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self.left -= 1
            function(*args)

    done = []
    pool = ExecutorPool(CONTEXT, Closing())
    pool.submit(["a", "b", "c", "d"], str.upper, lambda delivery, outcome: done.append((delivery, outcome)))
    assert done == [("a", "A"), ("b", "B"), ("c", GIVEN_BACK), ("d", GIVEN_BACK)]
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(["e", "f"], str.upper, lambda delivery, outcome: done.append((delivery, outcome)))
    assert len(done) == 4


def test_queues_that_share_an_executor_share_its_permits():
    one, two = Own(), Own()
    permits = ExecutorPool(CONTEXT, one).permits()
    assert ExecutorPool(CONTEXT, one).permits() is permits
    assert ExecutorPool(CONTEXT, two).permits() is not permits
    assert permits.limit == 3


def test_what_has_no_submit_is_refused():
    with pytest.raises(ConfigError, match=r"specify_concurrent_pool=5 has no submit"):
        ExecutorPool(CONTEXT, 5)


def test_what_cannot_be_shared_is_refused():
    class Slotted:
        __slots__ = ()

        def submit(self, function): ...

    with pytest.raises(ConfigError, match="cannot be shared between queues"):
        ExecutorPool(CONTEXT, Slotted()).permits()


def test_closing_leaves_it_to_the_user():
    with ThreadPoolExecutor(1) as executor:
        ExecutorPool(CONTEXT, executor).close()
        assert executor.submit(str, 5).result() == "5"
