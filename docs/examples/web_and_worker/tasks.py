"""The function that both programs know: the web adds schedules for it, the worker fires and runs them."""

from __future__ import annotations

from funboost import BoosterParams, boost


@boost(BoosterParams(queue_name="web_and_worker_sum"))
def fun_sum(x: int, y: int) -> int:
    print(f"{x} + {y} = {x + y}", flush=True)
    return x + y
