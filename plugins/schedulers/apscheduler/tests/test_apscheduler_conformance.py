"""The suite over every job store."""

from __future__ import annotations

import pytest
from funboost_testing.schedulers import SchedulerSuite


class TestMemoryJobs(SchedulerSuite):
    kind = "apscheduler"
    store = "memory"


class TestSqliteJobs(SchedulerSuite):
    kind = "apscheduler"
    store = "sqlite"
    persistent = True


@pytest.mark.server
class TestRedisJobs(SchedulerSuite):
    kind = "apscheduler"
    store = "redis"
    persistent = True

    @pytest.fixture
    def settings(self, redis_place):
        pytest.importorskip("funboost_store_redis", reason="funboost-store-redis is not installed here")
        return {"REDIS_URL": redis_place.url, "NAMESPACE": redis_place.namespace}
