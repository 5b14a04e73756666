"""Several Redis servers that belong together: a cluster; a master that Sentinel watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from funboost_core.native import sleep

from .base import PATIENCE, Server, free_port
from .proxy import Proxy
from .redis import Redis

if TYPE_CHECKING:
    from typing_extensions import Self

SLOTS = 16384


def ask(server: Server, command: str, expected: str = "\r\n") -> str:
    """What a server answers to one line; ConnectionError if that does not contain `expected` within seconds."""
    end = monotonic() + PATIENCE
    while True:
        answer = Redis().ask(server.url, command)
        if expected in answer:
            return answer
        if monotonic() > end:
            raise ConnectionError(f"{command}: {answer[:500]}")
        sleep(0.05)


class Cluster:
    """A Redis Cluster of our own, behind wires that can be cut; `url` names it.  It needs Redis 7 or Valkey.

    Args:
        masters: share the keys in equal parts, in the order of `servers`.
        replicas: the last of the masters have one each; they stand behind the masters in `servers`.
        service: whose program it is.

    Raises:
        Unavailable: it is not installed.
    """

    def __init__(self, masters: int = 3, replicas: int = 0, service: Redis | None = None) -> None:
        self._all = ExitStack()
        self.servers: list[Server] = []
        self._wires: list[Proxy] = []
        try:
            for _ in range(masters + replicas):
                options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
                # without replicas nobody can take over: then a node that is slow is not to be taken for dead
                options += ["--cluster-node-timeout", "2000" if replicas else "20000"]
                options += ["--cluster-require-full-coverage", "no"]
                self.servers.append(self._all.enter_context((service or Redis()).start(*options)))
            self._join(masters, replicas)
        except BaseException:
            self.close()
            raise
        self.url = "redis+cluster://" + ",".join(wire.url.partition("://")[2] for wire in self._wires)

    def _join(self, masters: int, replicas: int) -> None:
        first = self.servers[0]
        bus = ask(first, "CONFIG GET cluster-port", "cluster-port").split()[-1]
        for server in self.servers:
            wire = self._all.enter_context(Proxy(server.url))
            self._wires.append(wire)
            ask(server, f"CONFIG SET cluster-announce-port {wire.url.rpartition(':')[2]}", "+OK")
        for number, server in enumerate(self.servers[:masters]):
            low, high = SLOTS * number // masters, SLOTS * (number + 1) // masters - 1
            ask(server, f"CLUSTER ADDSLOTSRANGE {low} {high}", "+OK")
            ask(server, f"CLUSTER SET-CONFIG-EPOCH {number + 1}", "+OK")
        for server in self.servers[1:]:
            ask(server, f"CLUSTER MEET 127.0.0.1 {first.port} {bus}", "+OK")
        for server in self.servers:
            ask(server, "CLUSTER INFO", f"cluster_known_nodes:{len(self.servers)}\r")
            ask(server, "CLUSTER INFO", f"cluster_slots_ok:{SLOTS}\r")
            ask(server, "CLUSTER INFO", "cluster_state:ok")
        for master, replica in zip(self.servers[masters - replicas : masters], self.servers[masters:]):
            name = ask(master, "CLUSTER MYID").split()[-1]
            ask(replica, f"CLUSTER REPLICATE {name}", "+OK")
            ask(replica, "INFO replication", "master_link_status:up")

    @contextmanager
    def refuse(self) -> Iterator[None]:
        """A time in which no node can be reached."""
        with ExitStack() as cut:
            for wire in self._wires:
                cut.enter_context(wire.refuse())
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all servers."""
        self._all.close()


class Sentinel(Redis):
    """Watches `master` under the name mymaster and puts its replica in its place when it is away for four seconds.

    A busy machine may well stop a master for half a second.
    """

    name = "redis"

    def __init__(self, master: Server) -> None:
        self._master = master

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """See `Service.command`."""
        config = folder / "sentinel.conf"
        if not config.exists():
            config.write_text(
                f"sentinel monitor mymaster 127.0.0.1 {self._master.port} 1\n"
                "sentinel down-after-milliseconds mymaster 4000\nsentinel failover-timeout mymaster 20000\n"
            )
        where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        return [executable, str(config), "--sentinel", *where]


class Watched:
    """A master, its replica and their Sentinel; `url` names what the Sentinel names."""

    def __init__(self, *options: str, service: Redis | None = None) -> None:
        self._all = ExitStack()
        try:
            self.master, self.replica = (
                self._all.enter_context((service or Redis()).start(*options)) for _ in range(2)
            )
            ask(self.replica, f"REPLICAOF 127.0.0.1 {self.master.port}", "+OK")
            ask(self.replica, "INFO replication", "master_link_status:up")
            self.sentinel = self._all.enter_context(Sentinel(self.master).start())
            ask(self.sentinel, "SENTINEL REPLICAS mymaster", str(self.replica.port))
        except BaseException:
            self.close()
            raise
        self.url = f"redis+sentinel://127.0.0.1:{self.sentinel.port}/mymaster"

    def fail_over(self) -> None:
        """The master is killed, and Sentinel is told so: the replica has taken over when this returns."""
        self.master.kill()
        end = monotonic() + PATIENCE
        while str(self.replica.port) not in ask(self.sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"):
            told = ask(self.sentinel, "SENTINEL FAILOVER mymaster")  # which it refuses once it has begun by itself
            if monotonic() > end:
                raise ConnectionError(told)
            sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all three."""
        self._all.close()
