"""The launcher of servers, with Redis as the example."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from threading import Event
from types import SimpleNamespace

import pytest
from funboost_testing.services import Proxy, Unavailable, base, find, services
from funboost_testing.services.catalog import required
from funboost_testing.services.redis import Redis

needs_redis = pytest.mark.skipif(not Redis().executable(), reason="no redis-server is installed")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def answers(url):
    try:
        return Redis().version(url)
    except OSError:
        return ""


def test_a_port_is_given_to_one(monkeypatch):
    """Though nobody listens there yet."""
    given, chance = base.free_port(), base.secrets.randbelow
    offers = iter([given - 20000])
    monkeypatch.setattr(base, "secrets", SimpleNamespace(randbelow=lambda most: next(offers, None) or chance(most)))
    assert base.free_port() != given
    assert next(offers, None) is None, "it was offered again"


def gone(url):
    end = time.monotonic() + 40
    while answers(url) and time.monotonic() < end:
        time.sleep(0.05)
    return not answers(url)


class Nowhere(Redis):
    name = "nowhere"
    variable = "FUNBOOST_TEST_NOWHERE_URL"
    executables = ("no-such-server",)
    package = "no-such-package"


def test_what_is_missing_is_said_with_the_fix():
    with pytest.raises(Unavailable, match=r"FUNBOOST_TEST_NOWHERE_URL.*services install nowhere.*no-such-package"):
        Nowhere().start()
    with pytest.raises(LookupError, match=r"'rediss'.*redis"):
        find("rediss")


def test_a_server_that_is_given_is_used(monkeypatch):
    monkeypatch.setenv("FUNBOOST_TEST_NOWHERE_URL", "redis://elsewhere")
    assert Nowhere().missing() == ""
    assert Nowhere().given() == "redis://elsewhere"


@needs_redis
def test_a_server_starts_on_the_loopback_and_ends():
    with Redis().start() as server:
        assert answers(server.url).startswith(("redis ", "valkey "))
        folder = server.folder
        assert folder.is_dir()
    assert not answers(server.url)
    assert not folder.exists()


@needs_redis
@posix_only
def test_a_server_can_be_killed_frozen_and_restarted():
    with Redis().start() as server:
        first = server.pid
        server.kill()
        assert not answers(server.url)
        server.start()
        assert answers(server.url)
        assert server.pid != first
        server.freeze()
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            connection.settimeout(0.2)
            connection.sendall(b"PING\r\n")
            with pytest.raises(TimeoutError if sys.version_info >= (3, 10) else socket.timeout):
                connection.recv(100)
            server.thaw()
            connection.settimeout(40)
            assert connection.recv(100) == b"+PONG\r\n"
        server.freeze()
        server.stop()
        assert not answers(server.url), "a frozen one is ended too"
        assert "SIGTERM" in (server.folder / "output.txt").read_text(), "it was let go on to hear that, and not killed"


STARTS = """
import sys, time
from funboost_testing.services.redis import Redis
server = Redis().start()
print(server.url, flush=True)
time.sleep(600)
"""


@needs_redis
@posix_only
def test_a_server_ends_with_the_process_that_started_it_even_when_that_is_killed():
    program = subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True)
    with program:
        url = program.stdout.readline().strip()
        assert answers(url)
        os.kill(program.pid, signal.SIGKILL)
    assert gone(url)


@needs_redis
def test_the_command_line_runs_a_command_beside_a_server():
    code = "import os; print(os.environ['FUNBOOST_TEST_REDIS_URL'])"
    command = [sys.executable, "-m", "funboost_testing", "services", "run", "--with", "redis", "--"]
    environment = {name: value for name, value in os.environ.items() if name != Redis.variable}
    done = subprocess.run(
        [*command, sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    told, seen = done.stdout.split()
    assert told == f"FUNBOOST_TEST_REDIS_URL={seen}"
    assert gone(seen)
    failing = [*command, sys.executable, "-c", "raise SystemExit(3)"]
    assert subprocess.run(failing, capture_output=True, check=False, env=environment).returncode == 3


@needs_redis
@posix_only
def test_up_runs_until_it_is_told_to_end():
    environment = {name: value for name, value in os.environ.items() if name != Redis.variable}
    command = [sys.executable, "-m", "funboost_testing", "services", "up", "redis"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        url = program.stdout.readline().strip().partition("=")[2]
        assert answers(url)
        program.terminate()
        assert program.wait(40) == 0
    assert not answers(url)


def test_the_command_line_lists_and_names_what_it_does_not_know():
    command = [sys.executable, "-m", "funboost_testing", "services"]
    listed = subprocess.run([*command, "list"], capture_output=True, text=True, check=True).stdout
    assert all(name in listed for name in services())
    unknown = subprocess.run([*command, "up", "nothing"], capture_output=True, text=True, check=False)
    assert unknown.returncode == 1
    assert "'nothing'" in unknown.stdout


def test_the_lock_file(tmp_path):
    assert required(tmp_path) == set()
    (tmp_path / "services.lock").write_text("# comment\nredis  # why\n\n")
    assert required(tmp_path) == {"redis"}


USES = """
def test_it(redis_place):
    assert redis_place.url
"""


def run_missing(folder, **environment):
    (folder / "test_uses.py").write_text(USES)
    (folder / "services.lock").write_text("redis\n")
    env = {name: value for name, value in os.environ.items() if name not in {"CI", Redis.variable}}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    env = {**env, "PATH": "", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=folder)


def test_a_missing_server_is_skipped_loudly_on_a_laptop_and_fails_in_ci(tmp_path):
    laptop = run_missing(tmp_path)
    assert laptop.returncode == 0
    assert "1 skipped" in laptop.stdout
    assert "services install redis" in laptop.stdout
    ci = run_missing(tmp_path, CI="true")
    assert ci.returncode == 1
    assert "services install redis" in ci.stdout


@pytest.fixture
def echo():
    """A server that sends back what it gets."""
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            while data := connection.recv(1000):
                seen.append(data)
                try:
                    connection.sendall(data)
                except OSError:
                    return

    def accept():
        while True:
            try:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return

    seen = []
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"echo://127.0.0.1:{listener.getsockname()[1]}", seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def ask(connection, data):
    connection.settimeout(40)
    connection.sendall(data)
    return connection.recv(100)


@pytest.mark.parametrize("after", [False, True])
def test_the_proxy_cuts_at_a_packet(echo, after):
    url, seen = echo
    with Proxy(url) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            assert ask(connection, b"1") == b"1"
            proxy.cut_after(2, after)
            assert ask(connection, b"2") == b"2"
            try:
                assert ask(connection, b"3") == b""
            except ConnectionError:
                pass
        end = time.monotonic() + (40 if after else 0.2)
        while b"3" not in seen and time.monotonic() < end:
            time.sleep(0.01)
        assert (b"3" in seen) is after
        assert proxy.cuts == 1
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            assert ask(connection, b"4") == b"4"


def test_the_proxy_refuses_for_a_time(echo):
    url, _ = echo
    with Proxy(url) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        with proxy.refuse():
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                try:
                    assert ask(connection, b"1") == b""
                except ConnectionError:
                    pass
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            assert ask(connection, b"2") == b"2"


def test_the_proxy_refuses_whom_it_was_just_connecting(echo, monkeypatch):
    begun, may, connect = Event(), Event(), socket.create_connection

    def late(address, *args):
        if address == proxy._target:
            begun.set()
            assert may.wait(40)
        return connect(address, *args)

    with Proxy(echo[0]) as proxy:
        monkeypatch.setattr(socket, "create_connection", late)
        with connect(("127.0.0.1", int(proxy.url.rpartition(":")[2])), 5) as connection:
            assert begun.wait(40)
            with proxy.refuse():
                may.set()
                try:
                    assert ask(connection, b"1") == b""
                except ConnectionError:
                    pass
