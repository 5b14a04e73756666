"""`funboost doctor`: what it looks at, what it says, and its exit code."""

from __future__ import annotations

import json
import os
import socket
import sys

import pytest
from funboost import BoosterParams, boost, patch_frame_config
from funboost.cli import doctor, running, servers
from funboost.core.cli.funboost_fire import env_dict

from funboost_core.settings import Settings


@pytest.fixture
def line(program, monkeypatch, tmp_path, capsys, no_config):
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(env_dict, "project_root_path", None)

    def run(*words):
        code = running.run([*words, "--json"])
        found: dict = {}
        for row in json.loads(capsys.readouterr().out):
            found.setdefault(row["what"], []).append((row["state"], row["detail"]))
        return code, found

    return run


@pytest.fixture
def closed():
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def listening():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_all_is_well_on_the_embedded_default(line, tmp_path, monkeypatch):
    @boost(BoosterParams(queue_name="add", log_level=40))
    def add(x):
        pass

    add.push(1)
    monkeypatch.setenv("FUNBOOST_SECRET_KEY", "a key that is long enough")
    code, found = line("doctor")
    assert code == 0
    assert found["queue add"] == [("ok", "SQLITE_QUEUE: 1 waiting")]
    assert found["state"] == [("ok", "sqlite://")]
    assert found["data folder"] == [("ok", str(tmp_path / "data"))]
    [(state, keys)] = found["keys"]
    assert (state, len(keys.split()[0]), keys.split()[1]) == ("ok", 12, "(environment)")
    assert not {"Redis", "RabbitMQ"} & found.keys()  # nobody has named one


def test_a_server_that_somebody_uses_must_answer(line, closed):
    @boost(BoosterParams(queue_name="far", broker_kind="REDIS", log_level=60))
    def far(x):
        pass

    patch_frame_config(REDIS_PORT=closed, MQTT_TCP_PORT=closed)
    code, found = line("doctor")
    assert code == 1
    assert found["Redis"][0][0] == "FAILED"
    assert f"127.0.0.1:{closed}" in found["Redis"][0][1]
    assert "check that it runs and that REDIS_* point to it" in found["Redis"][0][1]
    assert found["MQTT"][0][0] == "warning"  # configured, and no task uses it
    assert found["queue far"][0][0] == "FAILED"
    assert {state for what, rows in found.items() if what.startswith("state") for state, _ in rows} == {"FAILED"}


def test_what_is_missing_is_named_with_what_to_install(line, listening, monkeypatch):
    @boost(BoosterParams(queue_name="far", broker_kind="NSQ", log_level=60))
    def far(x):
        pass

    patch_frame_config(NSQD_TCP_ADDRESSES=[f"127.0.0.1:{listening}"])
    code, found = line("doctor")
    assert code == 1
    assert "pip install funboost-broker-nsq" in found["queue far"][0][1]
    assert found["NSQ"] == [
        ("ok", f"127.0.0.1:{listening} answers"),
        ("warning", "no broker for it is installed: pip install 'funboost[nsq]'"),
    ]


def test_a_misspelt_setting_and_a_file_that_others_may_read(line, write_config):
    place = write_config("class BrokerConnConfig:\n    REDIS_PASWORD = 'x'\n    SECRET_KEY = 'k' * 32\n")
    (place / "funboost_config.py").chmod(0o644)
    _, found = line("doctor")
    said = [detail for state, detail in found["configuration"] if state == "warning"]
    assert any("REDIS_PASWORD; is REDIS_PASSWORD meant?" in text for text in said)
    assert any("chmod 600" in text for text in said) == (os.name == "posix")


def test_a_plugin_that_does_not_load_is_said(line, program, monkeypatch):
    class Entry:
        name, value = "BROKEN", "broken.plugin"

        def load(self):
            raise ImportError("no such library")

    installed = program.catalog.installed
    monkeypatch.setattr(
        program.catalog,
        "installed",
        lambda room: {**installed(room), **({"broken": Entry()} if room == "hooks" else {})},
    )
    [finding, summary] = list(doctor.plugins(program))[-2:]
    assert (finding.what, finding.state) == ("plugin BROKEN", "FAILED")
    assert "no such library" in finding.detail
    assert summary.state == "ok"


def test_a_data_folder_that_cannot_be_written(line, program, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path / "file" / "data"))
    [finding] = [each for each in doctor.configuration(program) if each.what == "data folder"]
    assert finding.state == "FAILED"
    assert "set DATA_DIR" in finding.detail


BY_NAME = {server.name: server for server in servers.SERVERS}


@pytest.mark.parametrize(
    ("name", "settings", "found"),
    [
        ("Redis", {"REDIS_HOST": "db", "REDIS_PORT": "6380", "REDIS_PASSWORD": "a@b:c"}, [("db", 6380)]),
        ("Redis", {"REDIS_URL": "redis+sentinel://:p,w@one:26379,two:26380/main/0"}, [("one", 26379), ("two", 26380)]),
        ("RabbitMQ", {"RABBITMQ_URL": "amqps://me:x@mq/"}, [("mq", 5671)]),
        ("Kafka", {"KAFKA_BOOTSTRAP_SERVERS": "a:9093, b"}, [("a", 9093), ("b", 9092)]),
        ("RocketMQ", {"ROCKETMQ_NAMESRV_ADDR": "a:9876;b:9877"}, [("a", 9876), ("b", 9877)]),
        ("MongoDB", {"MONGO_CONNECT_URL": "mongodb://me:x@a:1,b:2/db?x=1"}, [("a", 1), ("b", 2)]),
        ("MQTT", {"MQTT_HOST": "m", "MQTT_TCP_PORT": 1}, [("m", 1)]),
        ("Kombu", {"KOMBU_URL": "sqla+sqlite:////file.db"}, []),
        ("Kombu", {"KOMBU_URL": "redis://h/9"}, [("h", 6379)]),
        ("Dramatiq", {}, []),
    ],
)
def test_addresses_of_servers(name, settings, found):
    assert servers.addresses(BY_NAME[name], Settings(settings)) == found
