"""A documented program whose configuration file says where Redis is: messages, results, filters and flags are there."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from funboost import BoosterParams, BrokerConnConfig, boost

pytestmark = pytest.mark.server


@pytest.mark.parametrize("broker", ["REDIS_ACK_ABLE", "SQLITE_QUEUE"])
def test_everything_is_where_the_documentation_has_it(program, write_config, redis_server, queue, tmp_path, broker):
    pytest.importorskip("funboost_store_redis", reason="funboost-store-redis is not installed here")
    pytest.importorskip("funboost_broker_redis_ack_able", reason="funboost-broker-redis-ack-able is not installed here")
    import redis

    url = urlsplit(redis_server[0])
    write_config(
        f"""
        from funboost.utils.simple_data_class import DataClassBase

        class BrokerConnConfig(DataClassBase):
            REDIS_HOST = {url.hostname!r}
            REDIS_PORT = {url.port}
            REDIS_PASSWORD = {url.password or ""!r}
            REDIS_DB = 7
            REDIS_URL = f"redis://:{{REDIS_PASSWORD}}@{{REDIS_HOST}}:{{REDIS_PORT}}/{{REDIS_DB}}"

        class FunboostCommonConfig(DataClassBase):
            NAMESPACE = "config-test"
        """
    )
    program.settings.values["DATA_DIR"] = str(tmp_path)
    first, second = (
        redis.Redis(host=url.hostname, port=url.port, password=url.password, db=db, decode_responses=True)
        for db in (7, 8)
    )
    params = BoosterParams(
        queue_name=queue,
        broker_kind=broker,
        is_using_rpc_mode=True,
        do_task_filtering=True,
        task_filtering_expire_seconds=60,
        is_send_consumer_hearbeat_to_redis=True,
        log_level=40,
    )
    try:
        double = boost(params)(lambda x: 2 * x)
        result = double.push(21)
        if broker == "REDIS_ACK_ABLE":
            assert first.llen(f"config-test.{queue}") == 1
        double.consume()
        assert result.result == 42
        double.pause_consume()
        assert first.keys(f"*pause*{queue}*") or queue in str(first.hgetall("funboost_pause_flag"))
        assert second.keys("*config-test*")  # the reply, the filter
        assert program.state.where("replies") == f"redis://{url.hostname}:{url.port}/8"
        assert f"redis://{url.hostname}:{url.port}/7" == BrokerConnConfig.REDIS_URL
    finally:
        program.worker.stop()
        for client in (first, second):
            for key in client.scan_iter(f"*{queue}*"):
                client.delete(key)
            client.close()
