"""User and password: by options, and by the setting of KAFKA_CONFLUENT_SASL_PLAIN."""

from __future__ import annotations

import json
import logging

import pytest
from funboost_broker_kafka_confluent.sasl import access_of
from funboost_testing.services import find
from kafka_helpers import numbers, put, take
from kafka_suite import QUICK

from funboost_core import BoosterParams, ConfigError, Environment, boost
from funboost_core.settings import Settings

pytestmark = [pytest.mark.server, pytest.mark.lasting]

JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="funboost" password="s3cret" user_funboost="s3cret";'
)
PROPERTIES = [
    "listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms=PLAIN",
    "sasl.mechanism.inter.broker.protocol=PLAIN",
    f"listener.name.plaintext.plain.sasl.jaas.config={JAAS}",
]


@pytest.fixture(scope="module")
def guarded(kafka_server):
    """A server that wants a password."""
    if not find("kafka").executable():
        pytest.skip("a server of these tests' own is needed")
    with find("kafka").start(*(part for each in PROPERTIES for part in ("--override", each))) as server:
        yield server.url


@pytest.fixture
def program(tmp_path):
    made = []

    def program(servers, access):
        settings = {
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "memory://",
            "DATA_DIR": str(tmp_path),
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "KAFKA_SASL_CONFIG": access,
        }
        made.append(Environment(settings))
        return made[-1]

    yield program
    for environment in made:
        environment.close()


def task_of(environment, function):
    options = {"num_partitions": 1, "consumer_config": QUICK}
    params = BoosterParams(
        queue_name="q",
        broker_kind="KAFKA_CONFLUENT_SASL_PLAIN",
        is_using_rpc_mode=True,
        broker_exclusive_config=options,
    )
    return boost(params, environment=environment)(function)


def security(password):
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "funboost",
        "sasl.password": password,
    }


def test_by_options_of_the_queue(make, guarded):
    def access(password):
        return {"consumer_config": {**QUICK, **security(password)}, "producer_config": security(password)}

    broker = make("by_options", servers=guarded, **access("s3cret"))
    put(broker, 1)
    assert numbers(take(broker, 1)) == [1]
    with pytest.raises(ConfigError, match=r"refuses us: .*sasl\.password") as error:
        make("by_options", servers=guarded, listen=False, **access("wr0ng"))
    assert "wr0ng" not in str(error.value)


@pytest.mark.parametrize("form", ["librdkafka", "kafka-python", "text"])
def test_by_the_setting(program, guarded, form):
    access, servers = security("s3cret"), guarded
    if form == "kafka-python":  # as configuration files have it that were written for it
        access = {"bootstrap_servers": [guarded], "sasl_plain_username": "funboost", "sasl_plain_password": "s3cret"}
        access.update(sasl_mechanism="PLAIN", security_protocol="SASL_PLAINTEXT")
        servers = "127.0.0.1:1"
    environment = program(servers, json.dumps(access) if form == "text" else access)
    task = task_of(environment, lambda x: 2 * x)
    task.consume()
    assert task.push(4).result == 8
    assert environment.worker.stop()


def test_a_wrong_password_is_one_clear_error_without_it(program, guarded, caplog):
    task = task_of(program(guarded, security("wr0ng")), lambda x: x)
    with caplog.at_level(logging.DEBUG):
        for what in (lambda: task.push(1), task.consume, task.get_message_count):
            with pytest.raises(ConfigError, match=r"refuses us: .*the setting KAFKA_SASL_CONFIG") as error:
                what()
            assert "wr0ng" not in str(error.value)
    assert "wr0ng" not in caplog.text


@pytest.mark.parametrize("given", [None, {}, {"sasl.password": "s3cret"}, "s3cret", ["s3cret"], 7])
def test_a_setting_without_a_user_is_refused(given):
    with pytest.raises(ConfigError, match=r"KAFKA_SASL_CONFIG.*sasl\.username") as error:
        access_of(Settings({"KAFKA_SASL_CONFIG": given}))
    assert "s3cret" not in str(error.value)
