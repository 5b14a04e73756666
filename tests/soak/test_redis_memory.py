"""Memory stays flat over two million messages in Redis: the program's own and the server's.

`tox -e soak -- -rP -k redis` prints the figures; FUNBOOST_TEST_SOAK_MESSAGES is another number of messages.
"""

from __future__ import annotations

import gc
import os
import re
import time
from typing import Any

import pytest

from funboost_core import BoosterParams, Environment, boost
from funboost_core.recycling import memory_mb

pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
MESSAGES = int(os.environ.get("FUNBOOST_TEST_SOAK_MESSAGES", "2000000"))
STEPS = 10
BATCH = 1000


@pytest.mark.server
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["REDIS_ACK_ABLE", "REDIS_STREAM"])
def test_memory_is_flat_over_two_million_messages(start_redis: Any, kind: str) -> None:
    from funboost_store_redis.server import attach, detach

    url, ran = start_redis().url, 0
    environment = Environment(
        {"REDIS_URL": url, "BROKER_KIND": kind, "CONCURRENT_MODE": "single_thread", "STATE_URL": "redis://"}
    )
    server = attach(f"{url}/0", "the test's own", environment)

    def work(x: int, padding: str) -> None:
        nonlocal ran
        ran += 1

    task = boost(BoosterParams(queue_name="soak", log_level=60), environment=environment)(work)
    task.consume()
    sizes: list[tuple[float, float]] = []
    begun = time.monotonic()
    for step in range(1, STEPS + 1):
        while ran < MESSAGES * step // STEPS:
            task.push_many([{"x": n, "padding": "x" * 100} for n in range(BATCH)])
            while task.get_message_count() > BATCH * 5:
                time.sleep(0.001)
        while task.get_message_count():
            time.sleep(0.001)
        gc.collect()
        used = re.search(rb"used_memory:(\d+)", server.ask("INFO", "memory"))
        assert used
        sizes.append((memory_mb(), int(used.group(1)) / 1e6))
    seconds = time.monotonic() - begun
    environment.worker.stop()
    environment.close()
    print(f"\n{kind}: {ran} messages in {seconds:.0f} s, MB of the program and of the server after each tenth:")
    print("  ".join(f"{own:.1f}/{its:.2f}" for own, its in sizes))
    first, last = sizes[1], sizes[-1]
    assert last[0] < 1.1 * first[0] + 2, "the program grows"
    assert last[1] < 1.1 * first[1] + 1, "the server grows"
    left = [key for key in server.ask("KEYS", "*") if server.ask("TTL", key) == -1]
    detach(server, environment)
    assert left == [], "what is acknowledged leaves nothing, and neither does who has stopped"
