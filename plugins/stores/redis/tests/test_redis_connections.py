"""What is asked for of a connection really reaches it: keep-alive, checks of health, TLS, a user name."""

from __future__ import annotations

import socket
import sys
import time

import pytest
from certificates import self_signed
from funboost_store_redis.address import Address, url_of
from funboost_store_redis.brokers.at_once import AtOnce
from funboost_store_redis.errors import RedisUnavailable
from funboost_store_redis.link import Link
from funboost_store_redis.server import Server, attach, detach
from funboost_testing.services.base import free_port
from redis_helpers import answer

from funboost_core.settings import Settings

pytestmark = pytest.mark.server


@pytest.mark.parametrize(("query", "alive"), [("", True), ("?socket_keepalive=false", False)])
def test_keep_alive(redis_place, query, alive):
    link = Link(Address(redis_place.url + query, "REDIS_URL"))
    assert bool(link._connection._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is alive
    link.drop()


def pings(server):
    """PINGs that the server has answered."""
    lines = server.ask("INFO", "commandstats").decode().splitlines()
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines if line.startswith("cmdstat_ping"))


def test_health_is_checked_after_a_rest(start_redis):
    own = start_redis()  # it counts the PINGs of all
    server = Server(Address(f"{own.url}?health_check_interval=1", "REDIS_URL"))
    before = pings(server)
    time.sleep(1.1)
    assert pings(server) == before + 1
    server.close()


def test_health_is_not_checked_where_no_answer_would_come(redis_place):
    user = object()
    server = attach(f"{redis_place.url}?health_check_interval=1", "REDIS_URL", user)
    silent = AtOnce(server)
    silent.send([("RPUSH", "q", "a")], 1)
    time.sleep(1.1)
    silent.send([("RPUSH", "q", "b")], 1)
    silent.close()
    assert server.ask("LRANGE", "q", 0, -1) == [b"a", b"b"]
    detach(server, user)


BLOCKING = [("PING",), ("BLPOP", "nothing", "0.6")]


def impatient(url):
    """A connection that gives up what is not answered soon; making it may take a busy server longer than that."""
    return answer(lambda: Link(Address(f"{url}?socket_timeout=0.2", "REDIS_URL")))


def test_a_command_that_waits_may_take_longer_than_the_timeout(redis_place):
    link = impatient(redis_place.url)
    assert link.ask_all(BLOCKING, patience=30) == [b"PONG", None]
    link.drop()


@pytest.mark.skipif(sys.platform == "win32", reason="freezes by a signal")
def test_a_server_that_hangs_is_an_error_when_the_wait_is_over_too(start_redis):
    own = start_redis()
    link = impatient(own.url)
    own.freeze()
    with pytest.raises(RedisUnavailable, match=r"no answer within 0\.8 s"):
        link.ask_all(BLOCKING, patience=0.6)
    assert link.broken
    own.thaw()


@pytest.fixture
def tls_server(start_redis, tmp_path):
    """The port of a server with TLS, and the certificate that it has made for itself."""
    (certificate, key), port = self_signed(tmp_path), free_port()
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    users = ["--user", *"anna on >s3cret@/: ~* &* +@all".split(), "--user", *"default on nopass ~* &* +@all".split()]
    try:
        start_redis("--tls-port", str(port), *files, *users)
    except RuntimeError as error:
        pytest.skip(f"this redis-server has no TLS: {error}")
    return port, certificate


def test_tls_and_a_user_name(tls_server):
    port, certificate = tls_server
    link = Link(Address(f"rediss://anna:s3cret%40%2F%3A@127.0.0.1:{port}/1?ssl_ca_certs={certificate}", "REDIS_URL"))
    assert link.ask("ACL", "WHOAMI") == b"anna"
    assert link._connection._sock.version().startswith("TLS")
    link.drop()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server):
    port, _ = tls_server
    url, setting = url_of(Settings({"REDIS_SSL": "yes", "REDIS_PORT": port, "REDIS_DB": 0}))
    with pytest.raises(RedisUnavailable, match="certificate verify failed"):
        Link(Address(url, setting))


def test_plain_text_to_a_port_with_tls_ends(tls_server):
    with pytest.raises(RedisUnavailable):
        Link(Address(f"redis://127.0.0.1:{tls_server[0]}/1?socket_timeout=2", "REDIS_URL")).ask("PING")
