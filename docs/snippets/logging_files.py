import os
import tempfile
from pathlib import Path

os.environ.setdefault("FUNBOOST_LOG_PATH", tempfile.mkdtemp())  # as a rule: export FUNBOOST_LOG_PATH=/var/log/shop

from funboost import BoosterParams, boost, get_logger

logger = get_logger("shop", log_filename="shop.log")


class Mine(BoosterParams):
    broker_kind: str = "MEMORY_QUEUE"
    log_filename: str = "shop.log"  # of all queues; without it each has funboost.<queue_name>.log


@boost(Mine(queue_name="orders", is_using_rpc_mode=True))
def order(item: str) -> str:
    logger.info("looking up %s", item)
    return item.upper()


if __name__ == "__main__":
    order.consume()
    result = order.push("tea")
    assert result.result == "TEA"

    from funboost_core import default

    default().worker.stop()
    [line] = Path(os.environ["FUNBOOST_LOG_PATH"], "shop.log").read_text("utf-8").splitlines()
    assert line.endswith(f" - INFO - {result.task_id} - looking up tea")
