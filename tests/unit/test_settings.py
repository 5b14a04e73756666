"""settings: precedence, origins, and no secret in anything that is shown."""

from __future__ import annotations

import pytest

from funboost_core.settings import Settings, as_bool, hide


def layered(monkeypatch, *layers):
    settings = Settings({"NAME": "argument"} if "argument" in layers else None)
    if "environment" in layers:
        monkeypatch.setenv("FUNBOOST_NAME", "environment")
    for name in ("first", "second"):
        if name in layers:
            settings.add_source(name, lambda name=name: {"NAME": name})
    if "default" in layers:
        settings.defaults["NAME"] = "default"
    return settings


ORDER = ["argument", "environment", "first", "second", "default"]


@pytest.mark.parametrize("start", range(len(ORDER)))
def test_arguments_then_environment_then_sources_then_defaults(monkeypatch, start):
    settings = layered(monkeypatch, *ORDER[start:])
    assert settings("NAME") == ORDER[start] == settings.origin("NAME")
    assert settings.effective()["NAME"] == (ORDER[start], ORDER[start])


def test_unknown_names_give_the_default_of_the_call_and_no_origin():
    settings = Settings()
    assert settings("NAME") is None
    assert settings("NAME", 7) == 7
    assert settings.origin("NAME") == ""


def test_falsy_values_are_values(monkeypatch):
    monkeypatch.setenv("FUNBOOST_NAME", "environment")
    for value in (0, "", False, None):
        assert Settings({"NAME": value})("NAME", "default") is value


def test_the_environment_is_read_when_asked_not_when_made(monkeypatch):
    settings = Settings()
    monkeypatch.setenv("FUNBOOST_NAME", "late")
    assert settings("NAME") == "late"
    monkeypatch.delenv("FUNBOOST_NAME")
    assert settings("NAME") is None


def test_a_source_is_asked_at_each_look_up():
    values = {"NAME": 1}
    settings = Settings()
    settings.add_source("file", lambda: values)
    assert settings("NAME") == 1
    values["NAME"] = 2
    assert settings("NAME") == 2


@pytest.mark.parametrize(
    "name", ["REDIS_PASSWORD", "db_pwd", "SECRET_KEY", "API_TOKEN", "KFFKA_SASL_CONFIG", "SENTRY_DSN", "HTTPSQS_AUTH"]
)
def test_values_of_secret_names_are_hidden(name):
    shown = Settings({name: "hunter2"}).effective()
    assert shown[name] == ("***", "argument")
    assert hide(name, {"user": "me", "x": "hunter2"}) == "***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hunter2@host:6379/7", "redis://:***@host:6379/7"),
        ("amqp://me:hunter2@host//", "amqp://me:***@host//"),
        ("redis://:hun/ter2@host/0", "redis://:***@host/0"),
        ("redis://me:hunter2@home@host/0", "redis://me:***@host/0"),
        ("redis://me:hun:ter2@host", "redis://me:***@host"),
        ("nats://a:hunter2@one,nats://b:hunter2@two", "nats://a:***@one,nats://b:***@two"),
        ("postgresql://host/db?user=me&password=hunter2", "postgresql://host/db?user=me&password=***"),
        ("http://host/path?api_token=hunter2#top", "http://host/path?api_token=***#top"),
        ("redis://host:6379/7", "redis://host:6379/7"),
        ("http://host:80/?page=3&size=9", "http://host:80/?page=3&size=9"),
        ("sqlite:////tmp/me@home.db", "sqlite:////tmp/me@home.db"),
    ],
)
def test_passwords_inside_urls_are_hidden(url, shown):
    assert hide("BROKER_URL", url) == shown


def test_secrets_are_hidden_however_deep_they_are():
    value = {"servers": [{"host": "h", "password": "hunter2"}, "redis://:hunter2@h"], "more": ({"token": "hunter2"},)}
    shown = hide("OPTIONS", value)
    assert "hunter2" not in repr(shown)
    assert shown["servers"][0]["host"] == "h"
    assert value["servers"][0]["password"] == "hunter2"


def test_repr_has_names_and_no_values():
    text = repr(Settings({"STATE_URL": "redis://:hunter2@h", "REDIS_PASSWORD": "hunter2"}))
    assert "STATE_URL" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("value", [True, "1", "true", " Yes ", "ON", 1])
def test_switches_that_are_on(value):
    assert as_bool(value) is True


@pytest.mark.parametrize("value", [False, "0", "false", "no", "", None, 0, "off", "maybe"])
def test_switches_that_are_off(value):
    assert as_bool(value) is False
