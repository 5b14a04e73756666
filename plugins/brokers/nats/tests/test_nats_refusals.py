"""What is refused, with an error that names the fix and no password; and TLS."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest
from certificates import self_signed
from push_stories import PATIENCE, Seen, listening, task_of

from funboost_core import BrokerUnavailable, ConfigError

pytestmark = pytest.mark.server


def logged(caplog, text):
    end = time.monotonic() + PATIENCE
    while text not in caplog.text:
        assert time.monotonic() < end, f"{text!r} was not logged: {caplog.text}"
        time.sleep(0.01)


# -- TLS --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(start_nats, tmp_path):
    """The URL of a server with TLS, and the file to trust it by."""
    file, key = self_signed(tmp_path)
    server = start_nats("--tls", "--tlscert", str(file), "--tlskey", str(key))
    return f"tls://localhost:{server.port}", str(file)


def test_tls_with_certificates_that_are_trusted(make, secure):
    url, file = secure
    seen = Seen()
    listening(task_of(make(url, NATS_CA_FILE=file), seen))
    seen.wait_for(1)


def test_certificates_that_are_not_trusted_are_told(make, secure):
    url, _ = secure
    with pytest.raises(ConfigError, match=r"not trusted: self.signed certificate.*NATS_CA_FILE"):
        task_of(make(url), print).push(1)
    with pytest.raises(ConfigError, match=r"NATS_CA_FILE='/nowhere/ca.pem' cannot be used"):
        task_of(make(url, NATS_CA_FILE="/nowhere/ca.pem"), print).push(1)


@pytest.mark.parametrize("who", ["", "anna:swordfish@"])
def test_tls_is_not_given_up_for_a_server_without_it(make, nats_place, who):
    url = nats_place.url.replace("nats://", f"tls://{who}")
    with pytest.raises(ConfigError, match=r"says tls://, and the NATS server .* does not encrypt") as told:
        task_of(make(url), print).push(1)
    assert "fish" not in str(told.value)


# -- refusals ---------------------------------------------------------------------------------------------------------------


def test_a_missing_server_is_named(make, caplog):
    task = task_of(make("nats://127.0.0.1:1,nats://127.0.0.1:2"), print)
    with pytest.raises(BrokerUnavailable, match=r"nats://127\.0\.0\.1:1,nats://127\.0\.0\.1:2 .*NATS_URL points to it"):
        task.push(1)
    task.consume()  # it may come
    logged(caplog, "NATS_URL points to it")


def test_one_of_several_servers_will_do(make, nats_place):
    """In whatever order they are asked."""
    url, seen = ",".join([*(f"nats://127.0.0.1:{port}" for port in range(1, 6)), nats_place.url]), Seen()
    listening(task_of(make(url), seen))
    for n in range(5):
        task_of(make(url), print).push(n)
    seen.wait_for(6)


@pytest.mark.parametrize("url", ["127.0.0.1:4222", "http://anna:swordfish@host", "nats://", "nats://host:port"])
def test_a_url_that_is_none_is_refused(make, url):
    with pytest.raises(
        ConfigError, match=r"NATS_URL=.* is no address of a NATS server: .* Write it like nats://"
    ) as told:
        task_of(make(url), print).push(1)
    assert "fish" not in str(told.value)


_PUBLISHER = """
from funboost_core import BoosterParams, Environment, boost
environment = Environment({"BROKER_KIND": "NATS", "CONCURRENT_MODE": "threading", "NATS_URL": sys.argv[1]})
@boost(BoosterParams(queue_name="q"), environment=environment)
def run(x):
    pass
run.push(1)
"""


def test_a_missing_library_is_named(tmp_path, nats_place):
    (tmp_path / "nats.py").write_text("raise ImportError('No module named nats')")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{_PUBLISHER}", nats_place.url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ConfigError: The broker NATS needs the client library nats-py" in done.stderr
    assert "pip install nats-py" in done.stderr.splitlines()[-1]


@pytest.fixture
def guarded(start_nats, tmp_path):
    """A server that knows one user, who may use the queue `open`, not hear `deaf` and not say `mute`."""
    file = tmp_path / "nats.conf"
    file.write_text(
        'authorization { users = [ {user: anna, password: "sword@fish", permissions: {'
        'publish: [open, deaf], subscribe: [open, mute, "_INBOX.>"]}} ] }'
    )
    return start_nats("--config", str(file)).url.replace("nats://", "nats://anna:sword%40fish@")


@pytest.mark.parametrize("who", ["anna:carpfish@", "bert:carpfish@", "carpfish@", ""])
def test_a_wrong_password_is_told_without_it(make, guarded, who):
    url = guarded.replace("anna:sword%40fish@", who)
    with pytest.raises(ConfigError, match="refuses who we are .*Correct user and password.* in NATS_URL") as told:
        task_of(make(url, NAMESPACE=""), print, queue="open").push(1)
    assert "fish" not in str(told.value)


def test_the_right_password_is_let_in(make, guarded):
    seen = Seen()
    listening(task_of(make(guarded, NAMESPACE=""), seen, queue="open"))
    seen.wait_for(1)


def test_what_the_permissions_forbid_is_told(make, guarded, caplog):
    environment = make(guarded, NAMESPACE="")
    with pytest.raises(ConfigError, match='does not allow it .*permissions violation for publish to "mute"'):
        task_of(environment, print, queue="mute").push(1)
    with caplog.at_level(logging.WARNING):
        task_of(environment, print, queue="deaf").consume()
        logged(caplog, 'permissions violation for subscription to "deaf"')


def test_a_consumer_that_is_refused_says_so(make, guarded):
    with pytest.raises(ConfigError, match="refuses who we are") as told:
        task_of(make(guarded.replace("sword", "carp"), NAMESPACE=""), print, queue="open").consume()
    assert "fish" not in str(told.value)
