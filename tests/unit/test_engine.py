"""engine: one execution, its settling, and what the engine is told; serving: an engine that ends by itself."""

from __future__ import annotations

import threading

import pytest
from support.program import message

from funboost_core import (
    Ack,
    Broker,
    BrokerSpec,
    Capability,
    ConfigError,
    DeadLetter,
    Drop,
    EngineBroker,
    PoolSpec,
    Requeue,
    Retry,
    ThreadPool,
    hookimpl,
)
from funboost_core.checks import inert
from funboost_core.consuming.engine import EngineConsumer
from funboost_core.consuming.health import health_of
from funboost_core.errors import RequeueTask, TaskSkipped
from funboost_core.native import Thread

CAN = Capability.PUBLISH | Capability.ACK


class Engine(EngineBroker):
    """Executes what the test hands to `execute`; `servings` are what `serve` does, one after the other."""

    made = []

    def open(self):
        self.published, self.earlier, self.failing, self.servings, self.closed = [], [], [], [], False
        self.made.append(self)

    def publish(self, messages):
        if self.failing:
            raise self.failing.pop(0)
        self.published.extend(m.body for m in messages)
        self.earlier.extend(m.attempts for m in messages)

    def bind(self, task, execute):
        self.execute = execute

    def serve(self, stop):
        if self.servings:
            self.servings.pop(0)()
        else:
            stop.wait(20)

    def close(self):
        self.closed = True


class Mistaken(Broker):
    """Not an engine."""

    def publish(self, messages):
        raise NotImplementedError


class Narrow(ThreadPool):
    """One thread, whatever concurrent_num says."""

    def __init__(self, context):
        super().__init__(context)
        self.limit = 1

    def start(self, work):
        raise NotImplementedError

    def close(self):
        pass


class Plugin:
    @hookimpl
    def funboost_brokers(self):
        return [
            BrokerSpec("PLAIN", Engine, CAN, owns=frozenset()),
            BrokerSpec("OWNER", Engine, CAN, owns=frozenset({"max_retry_times", "qps", "concurrent_num"})),
            BrokerSpec("UNDECLARED", Engine, CAN),
            BrokerSpec("MISTAKEN", Mistaken, CAN, owns=frozenset()),
        ]

    @hookimpl
    def funboost_pools(self):
        return [PoolSpec("narrow", Narrow)]


@pytest.fixture
def engines(program):
    """Makes the consumer of a function, started or not; ends them all."""
    program.environment.manager.register(Plugin())
    Engine.made.clear()
    made = []

    def make(function=lambda x: x, started=False, **params):
        consumer = EngineConsumer(program.task(function, **{"broker_kind": "PLAIN", **params}))
        made.append(consumer)
        if started:
            consumer.line.start()
        return consumer

    yield make
    for consumer in made:
        consumer.stop()
        assert consumer.drain(30)
        consumer.release()


def failing(x):
    raise ValueError("no")


def parked(program, target):
    return [m.body for (where, _), m in program.environment.state.parking.kept.items() if where == target]


# -- what the engine is told -----------------------------------------------------------------------------------------


def test_a_success_hands_over_its_result(engines):
    done = engines(lambda x: x + 1).execute(message({"x": 4}))
    assert (done.verdict, done.result, done.error, done.again) == (Ack(), 5, None, None)
    assert done.value() == 5


def test_a_failure_is_repeated_here_and_told_once(engines):
    runs = []

    def fail(x):
        runs.append(x)
        raise ValueError("no")

    done = engines(fail, max_retry_times=2).execute(message())
    assert runs == [1, 1, 1]
    assert (done.verdict, done.again) == (Drop("failed 3 times"), None)
    with pytest.raises(ValueError, match="no"):
        done.value()


@pytest.mark.parametrize(("attempts", "again"), [(1, 0.0), (2, 0.0), (3, None)])
def test_an_engine_that_owns_retries_is_told_to_repeat(engines, attempts, again):
    done = engines(failing, broker_kind="OWNER", max_retry_times=2).execute(message(), attempts)
    assert done.again == again
    assert isinstance(done.verdict, Retry if again is not None else Drop)


def test_an_engine_that_owns_retries_is_told_the_interval(engines, program):
    done = engines(failing, broker_kind="OWNER", retry_interval=7).execute(message())
    assert done.again == 7
    assert program.environment.state.parking.kept == {}


def test_a_retry_with_an_interval_waits_in_the_state(engines, program):
    done = engines(failing, retry_interval=7).execute(message(task_id="t"))
    assert (done.verdict, done.again) == (Retry(7), None)
    assert len(parked(program, "q")) == 1


def test_attempts_are_deliveries_where_the_engine_does_not_repeat(engines):
    seen = []

    class Looks:
        @hookimpl
        def funboost_before_execute(self, delivery, task):
            seen.append((delivery.attempts, delivery.runs))

    engines(hooks=[Looks()]).execute(message(), 3)
    engines(broker_kind="OWNER", hooks=[Looks()]).execute(message(), 3)
    assert seen == [(3, 0), (1, 2)]


def test_a_requeue_is_published_again(engines, program):
    def ask(x):
        raise RequeueTask

    body = message()
    thread, said = later(engines(ask, broker_kind="OWNER").execute, body)
    move(program.clock, thread)
    assert (said[0].verdict, said[0].again) == (Requeue(), None)
    assert Engine.made[0].published == [body]


def test_a_bad_message_is_a_dead_letter_and_an_error(engines, program):
    done = engines().execute(b"{")
    assert isinstance(done.verdict, DeadLetter)
    assert isinstance(done.error, TaskSkipped)
    assert len(parked(program, "q_dlx")) == 1


def test_what_is_early_or_expired_is_no_error(engines, program):
    early = engines().execute(message(countdown=1e9))
    late = engines(msg_expire_seconds=1).execute(message(publish_time=0.0))
    assert (early.value(), late.value()) == (None, None)
    assert len(parked(program, "q")) == 1


def test_results_of_bare_tasks_are_known_too(engines):
    consumer = engines(lambda x: "r")
    assert consumer._receiver._planner.plain.bare
    assert consumer.execute(message()).result == "r"


# -- settling ---------------------------------------------------------------------------------------------------------


def later(function, *args):
    """Run it on a thread; what it returned or raised, in a list."""
    said = []

    def run():
        try:
            said.append(function(*args))
        except Exception as error:
            said.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread, said


def move(clock, thread):
    for _ in range(6000):
        if not thread.is_alive():
            return
        clock.advance(0.5)
        thread.join(0.005)
    raise AssertionError("it has not ended")


def test_execute_returns_when_the_message_is_settled(engines, program):
    program.environment.state.parking.failing = [OSError("away"), OSError("away")]
    thread, said = later(engines().execute, b"{")
    move(program.clock, thread)
    assert isinstance(said[0].verdict, DeadLetter)
    assert len(parked(program, "q_dlx")) == 1


def test_what_cannot_be_settled_while_stopping_stays_the_engines(engines, program):
    consumer = engines()
    program.environment.state.parking.failing = [OSError("away")]
    consumer.gate.stopped = True
    Engine.made[0].failing = [OSError("away, too")]
    with pytest.raises(OSError, match="away, too"):
        consumer.execute(message())


def test_what_comes_after_the_end_goes_back(engines):
    consumer, body = engines(), message()
    consumer.gate.stop()
    assert consumer.execute(body).verdict == Requeue()
    assert Engine.made[0].published == [body]


def test_a_message_that_cannot_be_judged_goes_back_after_a_while(engines, program):
    from funboost_core.errors import CannotJudge

    class Asks:
        @hookimpl
        def funboost_admit(self, delivery, task):
            raise CannotJudge(error="the store is away")

    consumer, body = engines(hooks=[Asks()]), message()
    before = program.clock.monotonic()
    thread, said = later(consumer.execute, body)
    move(program.clock, thread)
    assert said[0].verdict == Requeue()
    assert program.clock.monotonic() - before >= 1
    assert Engine.made[0].published == [body]


def test_the_gate_holds_workers_and_lets_as_many_pass_as_the_rate(engines, program):
    consumer = engines(qps=1)
    running = [later(consumer.execute, message()) for _ in range(3)]
    before = program.clock.monotonic()
    for thread, _ in running:
        move(program.clock, thread)
    assert all(said[0].verdict == Ack() for _, said in running)
    assert program.clock.monotonic() - before >= 2


def test_a_rate_that_the_engine_owns_is_not_kept_twice(engines):
    assert engines(qps=1, broker_kind="OWNER").gate.rate is None


def test_messages_that_may_be_deadly_run_one_at_a_time_and_are_counted(engines, program):
    begun, go = threading.Event(), threading.Event()

    def slow(x):
        begun.set()
        go.wait(20)

    consumer = engines(slow, max_deliveries=4)
    first, _ = later(consumer.execute, message(task_id="1"), 4)
    assert begun.wait(20)
    second, said = later(consumer.execute, message(task_id="2"), 4)
    move(program.clock, second)
    assert said[0].verdict == Requeue()
    assert Engine.made[0].earlier == [3]
    go.set()
    first.join(20)
    assert isinstance(consumer.execute(message(task_id="2"), 5).verdict, DeadLetter)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_record_and_its_class_must_agree(engines, program):
    with pytest.raises(ConfigError, match="MISTAKEN"):
        engines(broker_kind="MISTAKEN")
    with pytest.raises(ConfigError, match="UNDECLARED"):
        program.booster(broker_kind="UNDECLARED").consume()


@pytest.mark.parametrize("mode", ["narrow", "byhand"])
def test_a_mode_that_is_not_any_number_of_threads_is_refused(engines, mode):
    with pytest.raises(ConfigError, match=mode):
        engines(concurrent_mode=mode)
    assert Engine.made[0].closed


def test_what_is_set_and_nobodys_is_refused_and_the_rest_is_inert(engines, program):
    with pytest.raises(ConfigError, match="concurrent_num=3"):
        engines(concurrent_num=3)
    assert engines(broker_kind="OWNER", concurrent_num=3).task.params.concurrent_num == 3
    assert "concurrent_num" in inert(program.task(broker_kind="PLAIN"))
    assert "concurrent_num" not in inert(program.task(broker_kind="OWNER"))
    assert inert(program.task()) == []


def test_intervals_need_no_state_where_the_engine_repeats(make_program):
    from funboost_core import BoosterParams, boost

    program = make_program(STATE_URL="")
    program.environment.manager.register(Plugin())

    def declare(kind):
        boost(BoosterParams(queue_name=kind, broker_kind=kind, retry_interval=5), environment=program.environment)(
            failing
        )

    declare("OWNER")
    with pytest.raises(ConfigError, match="retry_interval"):
        declare("PLAIN")


def test_the_number_of_workers_cannot_be_changed_and_says_so(engines, caplog):
    consumer = engines()
    consumer.line.resize(consumer.task.params.concurrent_num)
    assert not caplog.records
    consumer.line.resize(3)
    assert "cannot be changed" in caplog.text


# -- serving ----------------------------------------------------------------------------------------------------------


def test_an_engine_that_ends_is_served_again_after_growing_pauses(engines, program):
    told, fared, moments, good = [], [], [], threading.Event()

    class Hears:
        @hookimpl
        def funboost_worker_error(self, worker, error):
            told.append(type(error))
            fared.append((health_of(consumer).status, health_of(consumer).detail))

    program.environment.manager.register(Hears())
    consumer = engines()

    def end(error):
        def serving():
            moments.append(program.clock.monotonic())
            assert health_of(consumer).status == "consuming"
            if error is not None:
                raise error

        return serving

    Engine.made[0].servings = [end(OSError("cut")), end(None), end(SystemExit(1)), end(OSError()), good.set]
    consumer.line.start()
    for _ in range(4):
        program.clock.until_waiting(1)
        program.clock.advance(program.clock.next_deadline() - program.clock.time() + 0.001)
    assert good.wait(20)
    assert fared[0] == ("away", "OSError: cut")
    assert told[:4] == [OSError, RuntimeError, SystemExit, OSError]
    pauses = [after - before for before, after in zip(moments, moments[1:])]
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 2 * pauses[0]


def test_what_runs_is_waited_for_also_where_the_engine_does_not(engines, program):
    begun, go = threading.Event(), threading.Event()

    def slow(x):
        begun.set()
        go.wait(20)

    consumer = engines(slow, started=True)
    thread, _ = later(Engine.made[0].execute, message())
    assert begun.wait(20)
    assert consumer.line.running == 1
    consumer.stop()
    assert not consumer.drain(0)
    go.set()
    thread.join(20)
    assert consumer.drain(20)
    assert (consumer.line.running, consumer.describe()["finished"]) == (0, 1)
