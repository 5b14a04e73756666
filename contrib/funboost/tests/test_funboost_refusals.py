"""What cannot be honoured yet is refused by name; kinds under all their spellings."""

from __future__ import annotations

import pytest
from funboost import (
    Booster,
    BoosterParams,
    BrokerEnum,
    FunctionResultStatusPersistanceConfig,
    boost,
)

from funboost_core.errors import UnknownKind

HARMLESS = {
    "create_logger_file": True,
    "function_timeout": 0,
    "function_result_status_persistance_conf": FunctionResultStatusPersistanceConfig(expire_seconds=5),
    "consuming_function_kind": "STATIC_METHOD",
    "delay_task_apscheduler_jobstores_kind": "memory",
    "do_task_filtering": False,
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_has_no_effect_is_accepted(name, environment):
    params = BoosterParams(queue_name="q", **{name: HARMLESS[name]})
    assert isinstance(boost(params, environment=environment)(lambda x: x), Booster)


def test_a_complete_copy_asks_for_nothing_more_than_its_original(environment):
    copy = BoosterParams(**BoosterParams(queue_name="q").dict())
    assert isinstance(boost(copy, environment=environment)(lambda x: x), Booster)


# -- kinds --------------------------------------------------------------------------------------------------------------


def test_an_unknown_concurrency_mode_is_an_error(environment):
    with pytest.raises(UnknownKind, match="No pool called 'fibres' is installed"):
        boost(BoosterParams(queue_name="q", concurrent_mode="fibres"), environment=environment)(lambda x: x)


@pytest.mark.parametrize(
    ("kind", "dist"),
    [
        (BrokerEnum.RABBITMQ, "funboost-broker-rabbitmq-amqpstorm"),
        (BrokerEnum.REIDS_ACK_USING_TIMEOUT, "funboost-broker-redis-ack-timeout"),
        (BrokerEnum.SQLACHEMY, "funboost-broker-sqlalchemy"),
        (BrokerEnum.RedisBrpopLpush, "funboost-broker-redis-brpoplpush"),
        (BrokerEnum.KAFKA_CONFLUENT_SASlPlAIN, "funboost-broker-kafka-confluent"),
    ],
)
def test_a_broker_that_is_not_installed_says_which_distribution_is_missing(kind, dist, environment, monkeypatch):
    monkeypatch.setattr(environment.catalog, "installed", lambda room: {})
    task = boost(BoosterParams(queue_name="q", broker_kind=kind), environment=environment)(lambda x: x)
    with pytest.raises(UnknownKind, match=f"pip install {dist}(?!-)"):
        task.push(1)


@pytest.mark.parametrize("kind", ["sqlite3", "SQLITE_QUEUE", "persistqueue", "PERSISTQUEUE", "Sqlite_Queue"])
def test_all_spellings_of_a_kind_lead_to_it(kind, environment):
    assert environment.catalog.find("brokers", kind).kind == "SQLITE_QUEUE"


@pytest.mark.parametrize(
    ("mode", "kind"), [("async", "asyncio"), ("solo", "single_thread"), ("threading", "threading")]
)
def test_all_spellings_of_a_mode_lead_to_it(mode, kind, environment):
    assert environment.catalog.find("pools", mode).kind == kind
