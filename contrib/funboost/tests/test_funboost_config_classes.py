"""BrokerConnConfig and FunboostCommonConfig: the effective settings as attributes."""

from __future__ import annotations

import funboost
import pytest
from funboost import BrokerConnConfig, defaults, funboost_config_deafult
from funboost.configuration import urls
from funboost.utils.simple_data_class import DataClassBase

pytestmark = pytest.mark.usefixtures("no_config")


def test_the_classes_are_where_the_documentation_has_them(program):
    assert funboost_config_deafult.BrokerConnConfig is funboost.BrokerConnConfig
    assert funboost_config_deafult.FunboostCommonConfig is funboost.FunboostCommonConfig


def test_assigning_and_updating_change_the_settings(program):
    BrokerConnConfig.REDIS_HOST = "assigned"
    assert program.settings("REDIS_HOST") == "assigned"
    assert BrokerConnConfig.update_cls_attribute(REDIS_HOST="updated", SQLLITE_QUEUES_PATH="/x") is BrokerConnConfig
    assert (program.settings("REDIS_HOST"), program.settings("SQLITE_QUEUE_PATH")) == ("updated", "/x")


def test_an_unknown_attribute_names_the_closest(program):
    with pytest.raises(AttributeError, match="Did you mean 'REDIS_HOST'"):
        BrokerConnConfig.REDIS_HOTS
    with pytest.raises(KeyError, match="REDIS_HOTS"):
        BrokerConnConfig()["REDIS_HOTS"]
    assert not hasattr(BrokerConnConfig, "nothing")


def test_the_documented_methods(program):
    config = BrokerConnConfig()
    assert config["REDIS_DB"] == config.REDIS_DB == BrokerConnConfig["REDIS_DB"] == config.get_dict()["REDIS_DB"] == 7
    names = config.get_dict().keys()
    assert {*defaults.CONNECTIONS, *urls.DERIVED, "SQLLITE_QUEUES_PATH", "KFFKA_SASL_CONFIG"} <= names
    assert '"REDIS_DB": 7' in config.get_json()


def test_a_class_of_the_user_s_hides_its_secrets():
    class Mine(DataClassBase):
        REDIS_PASSWORD = "hunter2"
        URL = "amqp://me:hunter2@host/"
        PORT = 1

    assert Mine().get_dict() == {"REDIS_PASSWORD": "hunter2", "URL": "amqp://me:hunter2@host/", "PORT": 1}
    assert "hunter2" in Mine.get_json()
    assert "hunter2" not in Mine().get_pwd_enc_json() + repr(Mine())
    assert Mine.update_cls_attribute(PORT=2)["PORT"] == 2
