"""checks: what cannot work is refused where the task is declared, by name and with the fix."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from funboost_core import BoosterParams, BrokerSpec, Capability, ConfigError, Environment, TaskOptions, boost, hookimpl
from funboost_core.checks import broker_options
from funboost_core.errors import CapabilityMissing, StateMissing
from funboost_core.task import Task


def declare(program, **params):
    return boost(program.params(**params), environment=program.environment)(lambda x: x)


@pytest.mark.parametrize(
    ("params", "feature"),
    [
        ({"retry_interval": 5}, "retry_interval"),
        ({"is_push_to_dlx_queue_when_retry_max_times": True}, "dead-letter queue"),
        ({"dead_letter_for": (ValueError,)}, "dead-letter queue"),
    ],
)
def test_what_neither_broker_nor_state_can_do_is_refused(make_program, params, feature):
    stateless, stateful = make_program(STATE_URL=""), make_program()
    with pytest.raises(CapabilityMissing, match=f"BARE.*{feature}.*Set STATE_URL"):
        declare(stateless, broker_kind="BARE", **params)
    assert "q" not in stateless.environment.registry
    declare(stateless, broker_kind="TINY", **params)
    declare(stateful, broker_kind="BARE", **params)


def test_a_plain_task_does_not_even_look_for_its_broker(program):
    declare(program, broker_kind="NOT_INSTALLED")


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    pull_msg_batch_size: int = 100
    durable: bool = True


@pytest.fixture
def picky(program):
    class Plugin:
        @hookimpl
        def funboost_brokers(self):
            return [BrokerSpec("PICKY", object, Capability.PUBLISH, options=Options)]

    program.environment.manager.register(Plugin())

    def make(**config):
        params = BoosterParams(queue_name="q", broker_kind="PICKY", broker_exclusive_config=config)
        return Task(params, None, program.environment)

    return make


def test_options_are_the_brokers_own_model(picky):
    assert broker_options(picky()) == Options()
    assert broker_options(picky(pull_msg_batch_size=7)).pull_msg_batch_size == 7


def test_an_unknown_option_is_a_warning_that_names_the_nearest(picky, caplog):
    assert broker_options(picky(pull_msg_batchsize=7, durable=False)) == Options(durable=False)
    assert "'pull_msg_batchsize'" in caplog.text
    assert "Did you mean 'pull_msg_batch_size'?" in caplog.text
    assert "It is left out" in caplog.text


def test_in_strict_mode_it_is_an_error(picky, program):
    program.environment.settings.values["STRICT"] = "yes"
    with pytest.raises(ConfigError, match="Did you mean 'durable'"):
        broker_options(picky(durabel=False))


def test_a_value_that_does_not_fit_is_named(picky):
    with pytest.raises(ConfigError, match=r"queue 'q' does not fit the broker PICKY: pull_msg_batch_size='many'"):
        broker_options(picky(pull_msg_batch_size="many"))


def test_a_broker_without_options_takes_none(program, caplog):
    task = program.task(broker_exclusive_config={"x": 1})
    assert broker_options(task) is None
    assert "it knows: none" in caplog.text


def test_need_names_kind_queue_feature_and_fix(program):
    task = program.task(broker_kind="BARE")
    task.need(Capability.ACK, "x", "y")
    text = r"The broker 'BARE' of queue 'q' cannot do what priority needs \(PRIORITY\). Other one."
    with pytest.raises(CapabilityMissing, match=text):
        task.need(Capability.PRIORITY, "priority", "Other one.")


@pytest.mark.parametrize(("setting", "attribute"), [("BROKER_KIND", "spec"), ("CONCURRENT_MODE", "pool_spec")])
def test_no_kind_at_all_says_what_to_set(make_program, setting, attribute):
    with pytest.raises(ConfigError, match=f"the setting {setting} is empty. Set one of them"):
        getattr(make_program(**{setting: ""}).task(), attribute)


def test_a_message_that_would_have_no_place_to_wait_is_refused(make_program):
    program = make_program(STATE_URL="")
    task = declare(program, broker_kind="BARE")
    for options in (TaskOptions(retry_interval=5), TaskOptions(is_push_to_dlx_queue_when_retry_max_times=True)):
        with pytest.raises(CapabilityMissing, match="Set STATE_URL"):
            task.publish({"x": 1}, options=options)
    assert program.server.bodies("q") == []


def test_kills_need_a_place_for_their_orders():
    environment = Environment({"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading"})
    with pytest.raises(StateMissing, match=r"is_support_remote_kill_task of queue 'q'.*FUNBOOST_STATE_URL"):
        boost(BoosterParams(queue_name="q", is_support_remote_kill_task=True), environment=environment)(lambda x: x)
