"""The worker: fires the schedules that the web has added, and runs them. Start as many of it as you like."""

from __future__ import annotations

from funboost import ApsJobAdder, ctrl_c_recv
from tasks import fun_sum

if __name__ == "__main__":
    ApsJobAdder(fun_sum, job_store_kind="sqlite")  # starts the scheduler: without it nothing fires
    fun_sum.consume()
    ctrl_c_recv()
