"""After every control was used with every Redis broker, and a clean stop, nothing is left that does not end by itself.

But for the flags that say whether a queue is paused: they are the queue's, and stay until somebody says otherwise.
"""

from __future__ import annotations

from threading import Event

import pytest
from redis_helpers import until

from funboost_core import BoosterParams, DeadLetterTask, Environment, RequeueTask, TaskOptions, boost, fct
from funboost_core.params import HistoryParams

pytest.importorskip("funboost_store_redis", reason="the Redis plugins are not installed here")
pytestmark = pytest.mark.server
KINDS = ["REDIS", "REDIS_ACK_ABLE", "REDIS_STREAM", "REDIS_PRIORITY", "REDIS_BRPOPLPUSH", "REDIS_ACK_TIMEOUT"]
FLAGS = {"funboost_pause_flag", "funboost_pause_flag:controls", "funboost:flags:{controls}"}


def controlled(environment, kind, dead):
    """The results of calls that use the controls, of tasks that all have ended."""
    seen = []

    def work(x):
        seen.append(x)
        if x == "requeue" and seen.count(x) == 1:
            raise RequeueTask
        if x == "dead":
            raise DeadLetterTask
        if x in {"again", "at last"} and (seen.count(x) < 2 or x == "at last"):
            raise ValueError(x)
        return x

    def task(queue, function, consumes=True, **fields):
        options = {"x-max-priority": 3} if kind == "REDIS_PRIORITY" else {}
        fields = {"is_using_rpc_mode": True, "rpc_result_expire_seconds": 60, "log_level": 60, **fields}
        made = boost(
            BoosterParams(queue_name=queue, broker_exclusive_config=options, **fields), environment=environment
        )(function)
        if consumes:
            made.consume()
        return made

    history = HistoryParams(is_save_status=True, is_save_result=True, expire_seconds=60)
    all_in_one = task(
        "controls",
        work,
        qps=200,
        is_using_distributed_frequency_control=True,
        is_send_consumer_heartbeat=True,
        max_retry_times=1,
        retry_interval=0.05,
        is_push_to_dlx_queue_when_retry_max_times=True,
        function_timeout=10,
        is_support_remote_kill_task=True,
        msg_expire_seconds=60,
        history=history,
    )
    unique = task("unique", lambda x: x, unique="while_queued", do_task_filtering=False)
    filtered = task("filtered", lambda x: x, do_task_filtering=True, task_filtering_expire_seconds=60)
    throttled = task("throttled", lambda x: x, throttle_seconds=60)
    last = Event()
    debounced = task("debounced", lambda x: last.set(), False, debounce_seconds=0.1, is_using_rpc_mode=False)
    keyed = task("keyed", lambda x: fct.task_id and x, rate_key="x", key_qps=50, key_concurrent_num=1)
    boost(BoosterParams(queue_name="controls_dlx", log_level=60), environment=environment)(
        lambda x: dead.append(x)
    ).consume()

    all_in_one.pause_consume()
    paused = all_in_one.push("paused")
    all_in_one.continue_consume()
    results = [paused, *(all_in_one.push(x) for x in ("plain", "requeue", "dead", "again", "at last"))]
    results.append(all_in_one.publish({"x": "later"}, options=TaskOptions(countdown=0.1)))
    if kind == "REDIS_PRIORITY":
        results.append(all_in_one.publish({"x": "high"}, options=TaskOptions(priority=2)))
    results += [unique.push(1), filtered.push(1), *(keyed.push(x) for x in (1, 1, 2))]
    results.append(throttled.push(1))
    throttled.push(1)
    debounced.push(1)
    debounced.push(1)
    debounced.consume()  # not before: the first would be over if the second came late, and that one be left in the end
    assert last.wait(20)
    results.append(filtered.push(1))
    return results


@pytest.mark.parametrize("kind", KINDS)
def test_every_control_leaves_nothing(start_redis, kind):
    from funboost_store_redis.server import attach, detach

    url = f"{start_redis().url}/1"
    environment = Environment(
        {
            "REDIS_URL": url,
            "BROKER_KIND": kind,
            "CONCURRENT_MODE": "threading",
            "STATE_URL": "redis://",
            "BEAT_SECONDS": 0.2,
        }
    )
    dead = []
    try:
        for result in controlled(environment, kind, dead):
            assert result.set_timeout(45).status_and_result is not None
        until(lambda: len(dead) == 2)
    finally:
        environment.worker.stop()
        environment.close()
    server = attach(url, "the test's own", dead)
    for_ever = {key.decode() for key in server.ask("KEYS", "*") if server.ask("TTL", key) == -1}
    detach(server, dead)
    assert sorted(dead) == ["at last", "dead"]
    assert for_ever == FLAGS
