"""Engines that are wrong in one way each, and what the suite must say of them.

All derive from the toy, which passes.  `names` are the tests that must fail, because their names say what is wrong;
`also` those that fail as a consequence.  Everything else has to pass, so that a failure points to its cause.
"""

from __future__ import annotations

import itertools
import json
import threading

import toy_engine
from toy_broker import ToyBroker
from toy_plugin import CAN, OWNS

from funboost_core import BrokerSpec, Capability, hookimpl


class Broken(ToyBroker):
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    capabilities = CAN | Capability.PRIORITY | Capability.DELAY
    settings: dict[str, float] = {}


RETRIES = (
    "test_failures_run_max_retry_times_plus_one[0]",
    "test_failures_run_max_retry_times_plus_one[0.1]",
)


class RunsTwice(Broken):
    """Delivers at least once, and every fortieth message once more."""

    names = ("test_every_message_runs_once",)
    # what is given back before the toy is told to stop comes again, until there have been forty
    also = ("test_stopping_lets_what_runs_end_and_starts_nothing",)

    def open(self):
        super().open()
        self.runs = itertools.count(1)  # none is left out, whatever its threads do just then

    def job(self, body, tries):
        if next(self.runs) == 40:
            super().job(body, tries)
        return super().job(body, tries)


class SwallowsErrors(Broken):
    """What could not be settled counts as done."""

    names = ("test_what_could_not_be_settled_is_executed_again",)

    def job(self, body, tries):
        try:
            super().job(body, tries)
        except toy_engine.Again as again:
            if again.__cause__ is None:
                raise


class LosesRetries(Broken):
    """A failed task is a failed task."""

    names = RETRIES
    also = (
        "test_what_a_message_overrides_holds",
        "test_a_judge_decides",
        "test_a_task_asks_for_what_becomes_of_it",
    )

    def job(self, body, tries):
        try:
            super().job(body, tries)
        except toy_engine.Again as again:
            if again.__cause__ is not None:
                raise


class MiscountsRuns(Broken):
    """Does not say which run it is: a message that fails is run for ever."""

    names = RETRIES
    also = ("test_what_a_message_overrides_holds", "test_a_judge_decides")

    def bind(self, task, execute):
        super().bind(task, lambda body, tries: execute(body))


class StripsTheEnvelope(Broken):
    """Passes on the arguments, and not what else a message says."""

    names = ("test_fct_is_right_inside",)
    also = ("test_results_reach_who_waits", "test_what_a_message_overrides_holds", *RETRIES)

    def bind(self, task, execute):
        super().bind(task, lambda body, tries: execute(self.stripped(body), tries))

    @staticmethod
    def stripped(body):
        try:
            message = json.loads(body)
        except ValueError:
            return body
        message.pop("extra", None)
        return json.dumps(message)


class NeverStops(Broken):
    """Serves on when it has been told to stop."""

    names = ("test_stopping_leaves_no_thread_behind", "test_stopping_lets_what_runs_end_and_starts_nothing")
    also = (
        "test_every_message_runs_once",
        "test_concurrent_num_is_the_number_of_workers[1]",
        "test_concurrent_num_is_the_number_of_workers[3]",
        "test_a_judge_decides",
        "test_a_task_asks_for_what_becomes_of_it",
    )
    settings = {"DRAIN_SECONDS": 0.2}  # for the tests that just end

    def serve(self, stop):
        end = threading.Event()
        threading.Timer(15, end.set).start()  # for the sake of the process that tests it
        super().serve(end)


class StopsInTheMiddle(Broken):
    """Returns when it is told to stop, and leaves its threads behind."""

    names = ("test_stopping_leaves_no_thread_behind",)
    also = ("test_stopping_lets_what_runs_end_and_starts_nothing",)  # the others give back what those take

    def serve(self, stop):
        left = threading.Event()
        threading.Timer(15, left.set).start()
        threading.Thread(target=super().serve, args=(left,), daemon=True).start()
        stop.wait()


class KnowsItsNumber(Broken):
    """Claims to own concurrent_num, and has four workers."""

    names = (
        "test_concurrent_num_is_the_number_of_workers[1]",
        "test_concurrent_num_is_the_number_of_workers[3]",
    )
    also = ("test_higher_priority_runs_first",)  # four at once
    workers = 4


class LosesOnCrash(Broken):
    """Clears away at its start what was being run before."""

    names = ("test_what_a_killed_process_ran_is_run_again",)

    def open(self):
        super().open()
        with self.toy._write() as link:
            link.execute("delete from jobs where lease")


class CountsInSecret(Broken):
    """Counts, and does not say that it can."""

    names = ("test_a_method_is_there_exactly_if_its_capability_is_declared[COUNT]",)
    capabilities = Broken.capabilities & ~Capability.COUNT


BROKEN = {cls.__name__: cls for cls in Broken.__subclasses__()}


@hookimpl
def funboost_brokers():
    return [BrokerSpec(name, cls, cls.capabilities, None, cls.__doc__, OWNS) for name, cls in BROKEN.items()]
