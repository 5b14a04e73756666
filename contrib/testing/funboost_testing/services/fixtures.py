"""Fixtures: a server for the test run, a place of its own for each test; and the summary at the end."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest

from .catalog import find, in_ci, required, services

if TYPE_CHECKING:
    from .base import Server
    from .redis_groups import Cluster

_KEY: pytest.StashKey[dict[str, str]] = pytest.StashKey()
_numbers = itertools.count()


class Place(NamedTuple):
    """A server, and a part of it that one test has for itself: a `url`, and a `namespace` to put before names."""

    url: str
    namespace: str
    server: Server | None
    """The server itself where it is ours; None for one that the environment names."""


def serve(request: pytest.FixtureRequest, name: str) -> Iterator[tuple[str, Server | None]]:
    """The URL of a server for the whole test run: the one that the environment names, else one of ours.

    Where there is neither the test is skipped, or fails if `services.lock` says that it must run and CI is set.
    """
    service, told = find(name), request.config.stash.setdefault(_KEY, {})
    if service.missing():
        told[name] = f"missing: {service.missing()}"
        if in_ci() and name in required(request.config.rootpath):
            pytest.fail(service.missing(), pytrace=False)
        pytest.skip(service.missing())
    if service.given():
        told[name] = f"real, {service.version(service.given())}, from {service.variable}"
        yield service.given(), None
        return
    with service.start() as server:
        told[name] = f"real, {server.version}, started on port {server.port}"
        yield server.url, server


def _server(name: str) -> Callable[..., Any]:
    """The server of this test run: its URL or address, and the `Server` where it is ours."""

    @pytest.fixture(scope="session")
    def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server | None]]:
        yield from serve(request, name)

    return server


def _place(fixture: str) -> Callable[..., Any]:
    """A part of the server of `fixture` for one test: a namespace of its own, for queues and topics cannot be emptied fast."""

    @pytest.fixture
    def place(request: pytest.FixtureRequest) -> Place:
        url, server = request.getfixturevalue(fixture)
        return Place(url, f"test-{uuid.uuid4().hex[:12]}", server)

    return place


redis_server: Callable[..., Any] = _server("redis")
valkey_server: Callable[..., Any] = _server("valkey")
kafka_server: Callable[..., Any] = _server("kafka")
kafka_place: Callable[..., Any] = _place("kafka_server")
mqtt_server: Callable[..., Any] = _server("mosquitto")
mqtt_place: Callable[..., Any] = _place("mqtt_server")
nats_server: Callable[..., Any] = _server("nats")
nats_place: Callable[..., Any] = _place("nats_server")
rabbitmq_server: Callable[..., Any] = _server("rabbitmq")
rabbitmq_place: Callable[..., Any] = _place("rabbitmq_server")
sshd_server: Callable[..., Any] = _server("sshd")


def _database(given: tuple[str, Server | None]) -> Place:
    """An empty database on a server of ours, a namespace of its own on any other."""
    from .redis import Redis

    url, server = given
    if server is None:
        return Place(url, f"test-{uuid.uuid4().hex[:12]}", None)
    place = f"{url}/{1 + next(_numbers) % (Redis.databases - 1)}"
    Redis().flush(place)
    return Place(place, "", server)


@pytest.fixture
def redis_place(redis_server: tuple[str, Server | None]) -> Place:
    """Redis for one test: an empty database on a server of ours, a namespace of its own on any other."""
    return _database(redis_server)


@pytest.fixture
def valkey_place(valkey_server: tuple[str, Server | None]) -> Place:
    """Valkey for one test, as `redis_place`."""
    return _database(valkey_server)


@pytest.fixture(scope="session")
def redis_cluster(redis_server: tuple[str, Server | None]) -> Iterator[Cluster]:
    """A Redis Cluster of three nodes for the whole test run."""
    from .redis_groups import Cluster

    if not find("redis").executable():
        pytest.skip("a cluster of these tests' own is needed, and no redis-server is installed here")
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def redis_cluster_place(redis_cluster: Cluster) -> Place:
    """The cluster for one test: a namespace of its own, for there is one database only."""
    return Place(redis_cluster.url, f"test-{uuid.uuid4().hex[:12]}", None)


@pytest.fixture
def start_redis(redis_server: tuple[str, Server | None]) -> Iterator[Callable[..., Server]]:
    """``start_redis("--appendonly", "yes")`` starts a further server, for this test alone."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        if not find("redis").executable():
            pytest.skip("a server of this test's own is needed, and no redis-server is installed here")
        started.append(find("redis").start(*options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def start_mosquitto(mqtt_server: tuple[str, Server | None]) -> Iterator[Callable[..., Server]]:
    """``start_mosquitto()`` starts a further server, for this test alone; more of its configuration as arguments."""
    started: list[Server] = []

    def start(*lines: str) -> Server:
        if not find("mosquitto").executable():
            pytest.skip("a server of this test's own is needed, and no mosquitto is installed here")
        started.append(find("mosquitto").start())
        if lines:
            (started[-1].folder / "more" / "more.conf").write_text("\n".join(lines) + "\n", "utf-8")
            started[-1].restart()
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def own_rabbitmq(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A RabbitMQ server that the tests of one module may stop, kill and put under alarm."""
    if not find("rabbitmq").executable():
        pytest.skip("a server of these tests' own is needed, and no rabbitmq-server is installed here")
    with find("rabbitmq").start() as server:
        yield server


def summary(config: pytest.Config) -> list[str]:
    """One line for each server that this run asked for; [] when it asked for none."""
    told = config.stash.get(_KEY, {})
    return [f"{name:12} {told[name]}" for name in services() if name in told]
