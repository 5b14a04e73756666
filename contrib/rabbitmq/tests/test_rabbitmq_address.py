"""Where the server is, and that passwords do not show."""

from __future__ import annotations

import pytest
from funboost_rabbitmq.address import address_of

from funboost_core import ConfigError
from funboost_core.settings import Settings


def test_a_url_is_unquoted():
    its = address_of(Settings({"RABBITMQ_URL": "amqp://us%40r:p%2Fw%3A%23@host:1234/v%2Fh?heartbeat=7"}))
    assert (its.user, its.password, its.host, its.port, its.vhost) == ("us@r", "p/w:#", "host", 1234, "v/h")
    assert its.heartbeat == 7
    assert "p/w" not in repr(its)
    assert "p%2Fw" not in repr(its)


@pytest.mark.parametrize("path", ["", "/", "/%2F"])
def test_the_virtual_host_is_the_root_where_none_is_named(path):
    assert address_of(Settings({"RABBITMQ_URL": f"amqp://u:p@host{path}"})).vhost == "/"


def test_tls_has_a_port_of_its_own():
    its = address_of(Settings({"RABBITMQ_URL": "amqps://u:p@host"}))
    assert (its.tls, its.port) == (True, 5671)


def test_a_file_of_certificates_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in ("/nowhere/ca.pem", tmp_path / "ca.pem"):
        with pytest.raises(ConfigError, match=r"RABBITMQ_URL says cafile='.*ca.pem', which cannot be used") as caught:
            address_of(Settings({"RABBITMQ_URL": f"amqps://u:s3cret@host?cafile={file}"}))
        assert "s3cret" not in str(caught.value)


def test_the_documented_single_settings_are_quoted():
    parts = {"USER": "u", "PASS": "p@/:#", "HOST": "h", "PORT": "99", "VIRTUAL_HOST": "a/b"}
    its = address_of(Settings({f"RABBITMQ_{name}": value for name, value in parts.items()}))
    assert (its.user, its.password, its.host, its.port, its.vhost) == ("u", "p@/:#", "h", 99, "a/b")


def test_several_servers():
    settings = Settings({"RABBITMQ_URL": "amqp://u:p@one", "RABBITMQ_URL_ORDERS": "amqp://u:p@two"})
    assert address_of(settings, "orders").host == "two"
    assert address_of(settings, "amqp://u:p@three").host == "three"
    with pytest.raises(ConfigError, match="RABBITMQ_URL_NONE"):
        address_of(settings, "none")


@pytest.mark.parametrize(
    "url",
    ["", "redis://u:s3cret@h", "amqp://h", "amqp://u:s3cret@", "amqp://u:s3cret#x@h", "amqp://u:s3cret/x@h:port/"],
)
def test_what_names_no_server_is_refused_without_the_password(url):
    with pytest.raises(ConfigError, match="RABBITMQ_URL") as caught:
        address_of(Settings({"RABBITMQ_URL": url}))
    assert "s3cret" not in str(caught.value)
    assert "amqp://user:password@host" in str(caught.value)
