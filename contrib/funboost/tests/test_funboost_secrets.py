"""A password in every setting, and in no output: classes, settings, commands, errors, logs."""

from __future__ import annotations

import logging
import sys
from urllib.parse import quote

import pytest
from funboost import BoosterParams, BrokerConnConfig, FunboostCommonConfig, boost, defaults, show_frame_config
from funboost.cli import running

SECRET = "hunter2/@+secret"
URL = "{}://me:" + quote(SECRET, "") + "@127.0.0.1:1/x"
SCHEMES = {
    "REDIS_URL": "redis",
    "RABBITMQ_URL": "amqp",
    "MONGO_CONNECT_URL": "mongodb",
    "KOMBU_URL": "amqp",
    "CELERY_BROKER_URL": "amqp",
    "CELERY_RESULT_BACKEND": "redis",
    "DRAMATIQ_URL": "amqp",
    "NATS_URL": "nats",
    "PULSAR_URL": "pulsar",
    "SQLALCHEMY_ENGINE_URL": "mysql+pymysql",
    "STATE_URL": "redis",
    "HISTORY_URL": "redis",
    "RESULTS_URL": "redis",
}
PASSWORDS = ["REDIS_PASSWORD", "RABBITMQ_PASS", "MQTT_PASSWORD", "MYSQL_PASSWORD", "HTTPSQS_AUTH", "SECRET_KEY"]
PARTS = ["REDIS_PORT", "RABBITMQ_PORT", "MQTT_TCP_PORT", "MYSQL_PORT", "HTTPSQS_PORT", "NSQD_HTTP_CLIENT_PORT"]
KINDS = ["REDIS", "REDIS_STREAM", "RABBITMQ_PIKA", "RABBITMQ_AMQPSTORM", "MQTT", "SQLITE_QUEUE"]


@pytest.fixture
def full(program, monkeypatch, tmp_path, no_config):
    """Every setting that may have a secret has one; no server is where they point to."""
    values = {name: URL.format(scheme) for name, scheme in SCHEMES.items()}
    values.update(dict.fromkeys(PASSWORDS, SECRET), KAFKA_SASL_CONFIG=f'{{"sasl.password": "{SECRET}"}}')
    values.update(dict.fromkeys(PARTS, "1"), KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    for name, value in values.items():
        monkeypatch.setenv(f"FUNBOOST_{name}", value)
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return program


def clean(text):
    for form in (SECRET, quote(SECRET, ""), quote(SECRET), "hunter2"):
        assert form not in text, text
    return text


def test_every_setting_that_sounds_secret_is_in_this_test():
    words = ("PASS", "AUTH", "SASL", "SECRET", "URL")
    named = {*PASSWORDS, *SCHEMES, "KAFKA_SASL_CONFIG"}
    known = defaults.DEFAULTS.keys()
    assert {name for name in known if any(word in name for word in words)} <= named


def test_classes_and_settings(full, capsys):
    for config in (BrokerConnConfig, FunboostCommonConfig):
        clean(repr(config()) + config.get_pwd_enc_json() + str(config) + repr(config))
    show_frame_config()
    clean(capsys.readouterr().out + repr(full.settings) + repr(full.settings.effective()))
    assert SECRET in BrokerConnConfig.REDIS_PASSWORD  # programs that ask get it


def test_errors_and_logs_of_brokers_and_state(full, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    failures = []
    for kind in KINDS[:-1]:
        task = boost(BoosterParams(queue_name=f"q_{kind}", broker_kind=kind))(lambda x: x)
        for action in (lambda task=task: task.push(1), task.get_message_count, task.clear):
            try:
                action()
            except Exception as error:
                failures.append(repr(error) + str(error) + str(error.__cause__))
    assert len(failures) > len(KINDS)
    try:
        full.state.coordinator.flags("x")
    except Exception as error:
        failures.append(repr(error))
    clean("".join(failures) + caplog.text + "".join(capsys.readouterr()))


@pytest.mark.parametrize(
    "words",
    [
        ["config"],
        ["config", "--json"],
        ["doctor"],
        ["doctor", "--json"],
        ["plugins"],
        ["brokers"],
        ["show_all_queues", "--count"],
        ["--debug", "push", "q", "1"],
        ["--debug", "pause", "q"],
    ],
)
def test_commands(full, capsys, words):
    boost(BoosterParams(queue_name="q", broker_kind="REDIS"))(lambda x: x)
    running.run(words)
    assert clean("".join(capsys.readouterr()))


def test_an_error_of_the_user_s_that_has_the_secret(full, capsys, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError(f"cannot connect with {SECRET} to {URL.format('redis')}")

    monkeypatch.setattr("funboost.managers.BoostersManager.push", fail)
    for words in (["push", "q"], ["--debug", "push", "q"], ["--json", "push", "q"]):
        assert running.run(words) == 1
        assert "***" in clean(capsys.readouterr().err)
