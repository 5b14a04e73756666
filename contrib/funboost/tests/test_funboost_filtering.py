"""Filtering by the documented names: the example of chapter 4.35 on a smaller scale."""

from __future__ import annotations

from funboost import BoosterParams, ConcurrentModeEnum, PriorityConsumingControlConfig, boost


def test_the_documented_example(environment, calls):
    @boosted(
        environment,
        queue_name="queue_test2",
        qps=600,
        do_task_filtering=True,
        task_filtering_expire_seconds=3600,
        concurrent_num=1,
    )
    def f2(a, b):
        calls.add("f2", a, b)
        return a + b

    @boosted(
        environment,
        queue_name="queue_test3",
        qps=600,
        do_task_filtering=True,
        concurrent_mode=ConcurrentModeEnum.SINGLE_THREAD,
    )
    def f3(a, b):
        calls.add("f3", a, b)
        return a + b

    def push(shift=0):
        for i in range(20):
            f2.push(i, i * 2)
            config = PriorityConsumingControlConfig(filter_str=str(i))
            f3.publish(msg={"a": i, "b": i * 2 + shift}, priority_control_config=config)

    f2.consume()
    f3.consume()
    push()
    assert len(calls.wait(40)) == 40
    push(shift=1)
    f2.push(99, 0)
    f3.push(99, 0)
    last = calls.wait(42)[40:]
    assert sorted(last) == [("f2", 99, 0), ("f3", 99, 0)], "equal ones were skipped, whatever b was for f3"


def test_arguments_that_have_run_can_be_forgotten(environment, calls):
    @boosted(environment, queue_name="q", do_task_filtering=True, concurrent_num=1)
    def f(x):
        calls.add(x)

    f.consume()
    f.push(1)
    f.push(2)
    calls.wait(2)
    for forget in (f.clear_filter_tasks, f.consumer.clear_filter_tasks):
        ran = len(calls.seen)
        f.push(1)
        f.push(10 + ran)
        calls.wait(ran + 1)
        assert calls.seen[ran:] == [(10 + ran,)]
        forget()
        f.push(1)
        assert calls.wait(ran + 2)[-1] == (1,)


def boosted(environment, **fields):
    return boost(BoosterParams(broker_kind="MEMORY_QUEUE", **fields), environment=environment)
