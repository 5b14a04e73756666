"""What happens to RabbitMQ servers and to connections; `tests/flows` tells it briefly, `tests/chaos` at length."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from funboost_testing.services import Proxy, Server, find
from kill_log import Log
from kill_stories import end
from redis_stories import WATCH, WORKER
from worlds import World

from funboost_core import BrokerUnavailable

WINDOW = 2 * (100 + 4)
"""What two consumers may have in their hands: a batch that is fetched, and four tasks, each."""


class Restarted:
    """A server that is killed and stopped in turns."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kills = 0

    def kill(self) -> None:
        """Take it away."""
        self._kills += 1
        if self._kills % 2:
            _service().settle(self._server)
            self._server.kill()
        else:
            self._server.stop()

    def start(self) -> None:
        """Bring it back."""
        self._server.start()


class Cut:
    """A wire that is cut."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._stack = contextlib.ExitStack()

    def kill(self) -> None:
        """Cut it; nobody gets through."""
        self._stack.enter_context(self._proxy.refuse())

    def start(self) -> None:
        """Mend it, once those who consume can have seen that it was cut."""
        time.sleep(0.3)
        self._stack.close()


@contextlib.contextmanager
def explained(server: Server) -> Iterator[None]:
    """Where a story fails: what its queues have, also those of dead letters, and what the server says that it dropped.

    Messages that did not run were lost when no queue has them, else they came late, or a consumer held them.
    """
    try:
        yield
    except BaseException:
        print(_control(server, "list_queues", "name", "durable", "messages_ready", "messages_unacknowledged"))
        for path in (server.folder / "log").rglob("*.log"):
            print(*(line for line in path.read_text(errors="replace").splitlines() if " dropped " in line), sep="\n")
        raise


def _service() -> Any:
    return find("rabbitmq")


def _control(server: Server, *arguments: str) -> str:
    return _service().control(server, *arguments)  # type: ignore[no-any-return]


def alarms(folder: Path, world: World, server: Server, times: int) -> dict[str, Any]:
    """The server runs short of memory, again and again: it takes no messages and gives all that it has."""

    def memory(share: str) -> None:
        _control(server, "set_vm_memory_high_watermark", share)

    program, feeder = world.program(folder), world.feeder(folder)
    log = Log(program)
    refused = 0
    try:
        consumer = program.start(world.script(WORKER + WATCH), args=("4", "-"))
        log.wait(lambda: log.find("up"))
        for _ in range(times):
            feeder.push([0.02] * 1000)
            memory("0.000001")
            during = len(log.find("end"))
            try:
                feeder.booster().push(-1)
            except BrokerUnavailable as error:
                assert "takes no messages for now" in str(error)
                refused += 1
            log.wait(lambda: {event.x for event in log.find("end")} >= feeder.pushed)
            assert during < len(log.find("end")), "all had run before the alarm: it proves nothing"
            memory("0.4")
            log.wait(lambda: _pushed(feeder))
        log.wait(lambda: {event.x for event in log.find("end")} >= feeder.pushed)
        end(consumer)
        assert feeder.leftovers() == {}
        ran = [event.x for event in log.find("end") if event.x != "-1"]
    finally:
        program.close()
        feeder.close()
    assert refused == times
    assert sorted(ran) == sorted(feeder.pushed), "lost or doubled"
    assert not log.find("away")
    return {"alarms": times, "messages": len(ran), "lost": 0, "ran twice": 0, "publishing refused": refused}


def _pushed(feeder: Any) -> bool:
    try:
        feeder.push([0.0])
    except BrokerUnavailable:
        return False
    return True
