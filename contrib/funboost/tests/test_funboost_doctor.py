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

from funboost_core import BrokerSpec, Capability, ServerSpec, hookimpl
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

    code, found = line("doctor")
    assert code == 1
    assert "pip install funboost-broker-nsq" in found["queue far"][0][1]


def test_the_server_of_somebody_elses_broker_is_looked_at_too(line, program, listening, closed):
    class Pigeons:
        @hookimpl
        def funboost_brokers(self):
            loft = ServerSpec("Loft", "LOFT_ADDRESSES")
            return [BrokerSpec("PIGEON", "pigeons:Loft", Capability.PUBLISH, server=loft)]

    program.manager.register(Pigeons(), "pigeons")
    _, found = line("doctor")
    assert "Loft" not in found
    program.settings.values["LOFT_ADDRESSES"] = f"127.0.0.1:{listening}, 127.0.0.1:{closed}"
    _, found = line("doctor")
    assert [state for state, _ in found["Loft"]] == ["ok", "warning"]
    assert "check that it runs and that LOFT_* point to it" in found["Loft"][1][1]


def test_the_extra_that_brings_a_broker_is_named(line, program, monkeypatch):
    kinds = program.catalog.kinds
    monkeypatch.setattr(program.catalog, "kinds", lambda room: [k for k in kinds(room) if not k.startswith("KAFKA")])
    patch_frame_config(KAFKA_BOOTSTRAP_SERVERS=["127.0.0.1:1"])
    _, found = line("doctor")
    [(state, text)] = found["KAFKA_*"]
    assert (state, text.rpartition("pip install ")[2]) == ("warning", "'funboost[kafka]'")


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


REDIS = ServerSpec("Redis", "REDIS_URL", port=6379)
RABBITMQ = ServerSpec("RabbitMQ", "RABBITMQ_URL", port=5672, tls_port=5671)
LIST = ServerSpec("List", "LIST_OF_HOSTS", port=9092)
PAIR = ServerSpec("Pair", "PAIR_HOST", port_setting="PAIR_PORT", port=7)


@pytest.mark.parametrize(
    ("server", "settings", "found"),
    [
        (REDIS, {"REDIS_HOST": "db", "REDIS_PORT": "6380", "REDIS_PASSWORD": "a@b:c"}, [("db", 6380)]),
        (REDIS, {"REDIS_URL": "redis+sentinel://:p,w@one:26379,two:26380/main/0"}, [("one", 26379), ("two", 26380)]),
        (REDIS, {"REDIS_URL": "rediss://db"}, [("db", 6379)]),
        (RABBITMQ, {"RABBITMQ_URL": "amqps://me:x@mq/"}, [("mq", 5671)]),
        (RABBITMQ, {"RABBITMQ_URL": "amqp://me:x@mq/"}, [("mq", 5672)]),
        (LIST, {"LIST_OF_HOSTS": "a:9093, b"}, [("a", 9093), ("b", 9092)]),
        (LIST, {"LIST_OF_HOSTS": ["a:1", "b"]}, [("a", 1), ("b", 9092)]),
        (LIST, {"LIST_OF_HOSTS": "a:9876;b:9877"}, [("a", 9876), ("b", 9877)]),
        (LIST, {"LIST_OF_HOSTS": "list://me:x@a:1,b:2/db?x=1"}, [("a", 1), ("b", 2)]),
        (LIST, {"LIST_OF_HOSTS": "sqla+sqlite:////file.db"}, []),
        (LIST, {}, []),
        (PAIR, {"PAIR_HOST": "m", "PAIR_PORT": 1}, [("m", 1)]),
        (PAIR, {"PAIR_HOST": "m"}, [("m", 7)]),
        (PAIR, {"PAIR_HOST": "m", "PAIR_PORT": "seven"}, []),
        (PAIR, {}, []),
    ],
)
def test_addresses_of_servers(server, settings, found):
    assert servers.addresses(server, Settings(settings)) == found
