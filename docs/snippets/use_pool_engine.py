import pool_engine
from funboost import BoosterParams, boost

from funboost_core import ConfigError, default, fct, register_plugin

register_plugin(pool_engine)


@boost(
    BoosterParams(queue_name="parse", broker_kind="POOL", concurrent_num=4, max_retry_times=1, is_using_rpc_mode=True)
)
def parse(text: str) -> tuple:
    return int(text), fct.queue_name


@boost(BoosterParams(queue_name="sum", broker_kind="POOL", is_auto_start_specify_async_loop_in_child_thread=False))
def add(x: int, y: int) -> int:
    return x + y


if __name__ == "__main__":
    parse.consume()
    assert list(parse.push("17").result) == [17, "parse"]
    assert not parse.push("seventeen").is_success()  # ran twice: the retry is the core's
    default().worker.stop()
    try:
        add.push(1, 2)
    except ConfigError as error:  # the pool calls the functions: nobody would look at that loop
        said = str(error)
    assert "is_auto_start_specify_async_loop_in_child_thread=False" in said
