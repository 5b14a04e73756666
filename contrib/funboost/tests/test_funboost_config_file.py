"""funboost_config.py: found like any module, read when first asked for, outranked by arguments and the environment."""

from __future__ import annotations

import sys
import threading

import pytest
from funboost import BrokerConnConfig, FunboostCommonConfig, config_file, defaults, patch_frame_config

from funboost_core.errors import ConfigError

FILE = """
from funboost.utils.simple_data_class import DataClassBase

class BrokerConnConfig(DataClassBase):
    REDIS_HOST = "192.168.0.1"
    REDIS_PORT = 6380
    MQTT_HOST = "mqtt.example"

class FunboostCommonConfig(DataClassBase):
    TIMEZONE = "UTC"
    HOOKS = ["nb_log", "compression"]
    NAMESPACE = "staging"
"""


def test_the_file_outranks_defaults_and_is_outranked_by_environment_and_arguments(program, write_config, monkeypatch):
    place = write_config(FILE)
    settings = program.settings
    assert (settings("REDIS_PORT"), settings.origin("REDIS_PORT")) == (6380, "funboost_config.py")
    assert BrokerConnConfig.REDIS_HOST == "192.168.0.1"
    assert BrokerConnConfig.RABBITMQ_PORT == 5672  # not in the file
    monkeypatch.setenv("FUNBOOST_REDIS_HOST", "by-environment")
    assert BrokerConnConfig.REDIS_HOST == "by-environment"
    patch_frame_config(REDIS_HOST="by-argument")
    assert BrokerConnConfig.REDIS_HOST == settings("REDIS_HOST") == "by-argument"
    assert config_file.path() == str(place / "funboost_config.py")


def test_data_is_beside_the_file_but_not_in_a_frozen_program(program, write_config, monkeypatch):
    place = write_config(FILE)
    assert program.data_path() == place / ".funboost"
    monkeypatch.setattr(sys, "_MEIPASS", str(place), raising=False)  # as PyInstaller sets it: gone when it ends
    assert place not in program.data_path().parents


def test_namespace_hooks_and_time_zone_come_from_the_file(program, write_config):
    write_config(FILE)
    assert program.namespaced("q") == "staging.q"
    assert program.settings("HOOKS") == "nb_log,compression"
    assert FunboostCommonConfig.TIMEZONE == "UTC"


def test_the_order_of_sys_path_decides(program, write_config):
    write_config(FILE, "project")
    write_config("class BrokerConnConfig:\n    REDIS_HOST = 'production'\n", "conf")
    assert BrokerConnConfig.REDIS_HOST == "production"
    assert BrokerConnConfig.MQTT_HOST == "127.0.0.1"  # one file is read, not both


def test_without_a_file_the_documented_defaults_hold(program, write_config):
    assert BrokerConnConfig.REDIS_URL == "redis://127.0.0.1:6379/7"
    assert BrokerConnConfig.KAFKA_BOOTSTRAP_SERVERS == ["127.0.0.1:9092"]
    assert BrokerConnConfig.CELERY_RESULT_BACKEND == "redis://127.0.0.1:6379/13"
    assert FunboostCommonConfig.TIMEZONE == "Asia/Shanghai"
    assert (program.settings("STATE_URL"), config_file.path()) == ("sqlite://", "")
    secrets = [name for name in defaults.CONNECTIONS if "PASS" in name or "AUTH" in name]
    assert {program.settings(name) for name in secrets} == {""}


def test_misspelt_constants_are_the_right_settings(program, write_config):
    write_config(
        """
        KOMBU_URL = "amqp://x"  # an old file without classes

        class BrokerConnConfig:
            SQLLITE_QUEUES_PATH = "/queues"
            SQLACHEMY_ENGINE_URL = "sqlite:////x.db"
            KFFKA_SASL_CONFIG = {"sasl_plain_username": "me"}

        class FunboostCommonConfig:
            NB_LOG_FORMATER_INDEX_FOR_CONSUMER_AND_PUBLISHER = 11
        """
    )
    assert program.settings("SQLITE_QUEUE_PATH") == "/queues" == BrokerConnConfig.SQLLITE_QUEUES_PATH
    assert BrokerConnConfig.SQLALCHEMY_ENGINE_URL == BrokerConnConfig.SQLACHEMY_ENGINE_URL == "sqlite:////x.db"
    assert BrokerConnConfig.KFFKA_SASL_CONFIG == {"sasl_plain_username": "me"}
    assert FunboostCommonConfig.NB_LOG_FORMATER_INDEX_FOR_CONSUMER_AND_PUBLISHER == 11
    assert BrokerConnConfig.KOMBU_URL == "amqp://x"
    patch_frame_config(SQLLITE_QUEUES_PATH="/others")
    assert program.settings("SQLITE_QUEUE_PATH") == "/others"


def test_the_default_layout_shows_the_task(program, write_config):
    import logging

    layout = FunboostCommonConfig.NB_LOG_FORMATER_INDEX_FOR_CONSUMER_AND_PUBLISHER
    record = logging.LogRecord("name", 20, "file.py", 1, "hello", (), None)
    assert "no_task_id - hello" in layout.format(record)


def test_values_of_the_environment_have_the_type_of_the_default(program, write_config, monkeypatch):
    monkeypatch.setenv("FUNBOOST_REDIS_PORT", "6380")
    monkeypatch.setenv("FUNBOOST_REDIS_SSL", "yes")
    monkeypatch.setenv("FUNBOOST_KAFKA_BOOTSTRAP_SERVERS", "a:9092, b:9092")
    monkeypatch.setenv("FUNBOOST_KAFKA_SASL_CONFIG", '{"sasl.username": "me"}')
    assert BrokerConnConfig.REDIS_PORT == 6380
    assert BrokerConnConfig.REDIS_SSL is True
    assert BrokerConnConfig.KAFKA_BOOTSTRAP_SERVERS == ["a:9092", "b:9092"]
    assert BrokerConnConfig.KAFKA_SASL_CONFIG == {"sasl.username": "me"}


AWKWARD = "p@ss/w:rd#%?"


def test_derived_urls_quote_what_they_contain(program, write_config):
    from urllib.parse import unquote, urlsplit

    patch_frame_config(REDIS_USERNAME="me", REDIS_PASSWORD=AWKWARD, REDIS_SSL=True)
    patch_frame_config(RABBITMQ_USER="me", RABBITMQ_PASS=AWKWARD, RABBITMQ_VIRTUAL_HOST="/a")
    for url, scheme in ((BrokerConnConfig.REDIS_URL, "rediss"), (BrokerConnConfig.RABBITMQ_URL, "amqp")):
        parts = urlsplit(url)
        assert (parts.scheme, parts.username, unquote(parts.password or "")) == (scheme, "me", AWKWARD)
    assert BrokerConnConfig.RABBITMQ_URL.endswith("/%2Fa")


def test_a_url_that_the_file_makes_of_its_parts_is_made_anew(program, write_config, monkeypatch):
    """Files of the original have it: without this it would hide what overrides a part, and be wrong about a password."""
    write_config(
        """
        class BrokerConnConfig:
            REDIS_HOST, REDIS_PORT, REDIS_DB = "file", 6379, 7
            REDIS_USERNAME, REDIS_PASSWORD = "", "a@b"
            REDIS_URL = f"redis://{REDIS_USERNAME}:{REDIS_PASSWORD}@{REDIS_HOST}:{REDIS_PORT}/{REDIS_DB}"
            RABBITMQ_URL = "amqp://me:secret@elsewhere/"
        """
    )
    monkeypatch.setenv("FUNBOOST_REDIS_HOST", "environment")
    assert not program.settings("REDIS_URL")  # what brokers read
    assert BrokerConnConfig.REDIS_URL == "redis://:a%40b@environment:6379/7"
    assert BrokerConnConfig.RABBITMQ_URL == "amqp://me:secret@elsewhere/"  # one that is not derived stays


def test_a_url_that_says_more_than_its_parts_stays(program, write_config):
    write_config("class BrokerConnConfig:\n    REDIS_HOST = 'db'\n    REDIS_URL = 'rediss://db:6379/7'\n")
    assert program.settings("REDIS_URL") == BrokerConnConfig.REDIS_URL == "rediss://db:6379/7"
    patch_frame_config(REDIS_URL="")
    assert BrokerConnConfig.REDIS_URL == "redis://db:6379/7"


# -- where the state is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"REDIS_HOST": "127.0.0.1"},  # said, though it is the default
        {"REDIS_PASSWORD": "secret"},
        {"REDIS_URL": "redis://db/3"},
    ],
)
def test_redis_is_the_state_when_somebody_says_where_it_is(program, write_config, said):
    patch_frame_config(**said)
    assert (program.settings("STATE_URL"), program.settings.origin("STATE_URL")) == ("redis://", "derived")


def test_redis_in_the_file_or_the_environment_is_the_state(program, write_config, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("FUNBOOST_REDIS_HOST", "db")
        assert program.settings("STATE_URL") == "redis://"
    write_config(FILE)
    config_file.forget()
    assert program.settings("STATE_URL") == "redis://"
    patch_frame_config(STATE_URL="sqlite://")
    assert program.settings("STATE_URL") == "sqlite://"
    assert program.settings("RESULTS_URL") is None


def test_a_file_that_lists_the_defaults_says_nothing_about_redis(program, write_config):
    write_config(
        """
        class BrokerConnConfig:
            REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD = "127.0.0.1", "6379", None, ""
            REDIS_DB, REDIS_SSL = 7, False
        """
    )
    assert program.settings("STATE_URL") == "sqlite://"


def test_results_and_filters_are_in_the_second_database(program, write_config):
    write_config(FILE)
    assert program.settings("RESULTS_URL") == program.settings("FILTER_URL") == "redis://192.168.0.1:6380/8"
    assert program.settings("PARKING_URL") is None  # as STATE_URL
    patch_frame_config(REDIS_URL="redis://db/3")  # says which database
    assert program.settings("RESULTS_URL") is None


# -- the file itself --------------------------------------------------------------------------------------------------


def test_a_broken_file_is_an_error_that_names_it(program, write_config):
    place = write_config("class BrokerConnConfig:\n    REDIS_HOST = 'x\n")
    with pytest.raises(ConfigError, match=r"funboost_config.* cannot be used as configuration: SyntaxError") as raised:
        program.settings("REDIS_HOST")
    assert str(place) in str(raised.value)


def test_a_file_that_misses_a_module_is_an_error_not_absence(program, write_config):
    write_config("import a_module_that_is_missing\n")
    with pytest.raises(ConfigError, match="a_module_that_is_missing"):
        program.settings("REDIS_HOST")


def test_a_file_may_ask_for_settings_itself(program, write_config, monkeypatch):
    monkeypatch.setenv("FUNBOOST_MQTT_HOST", "broker")
    write_config(
        """
        from funboost.funboost_config_deafult import BrokerConnConfig as Effective

        class BrokerConnConfig:
            REDIS_HOST = Effective.MQTT_HOST + "-redis"
        """
    )
    assert BrokerConnConfig.REDIS_HOST == "broker-redis"


def test_it_is_imported_once_by_many_threads(program, write_config, monkeypatch):
    write_config("import builtins\nbuiltins.times_read = getattr(builtins, 'times_read', 0) + 1\n" + FILE)
    import builtins

    seen = []
    threads = [threading.Thread(target=lambda: seen.append(BrokerConnConfig.REDIS_HOST)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["192.168.0.1"] * 10
    assert builtins.__dict__.pop("times_read") == 1


def test_what_another_thread_still_looks_for_does_not_hide_what_has_just_been_written(
    program, write_config, monkeypatch
):
    look = config_file._import

    def look_in_vain():
        found = look()
        monkeypatch.setattr(config_file, "_import", look)
        write_config(FILE)  # by another thread, at this moment
        config_file.forget()
        return found

    monkeypatch.setattr(config_file, "_import", look_in_vain)
    assert config_file.values() == {}
    assert program.settings("REDIS_PORT") == 6380
