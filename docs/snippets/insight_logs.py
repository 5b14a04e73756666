import io
import logging

from funboost import BoosterParams, boost, fct

from funboost_core import TaskIdFormatter, default

handler = logging.StreamHandler(io.StringIO())  # a file, as a rule
handler.setFormatter(TaskIdFormatter("%(levelname)s %(task_id)s %(message)s"))
logging.getLogger().addHandler(handler)
mine = logging.getLogger("shop")
mine.setLevel(logging.INFO)


def price(item: str) -> int:
    mine.info("looking up %s", item)  # knows nothing of tasks
    return 5


@boost(BoosterParams(queue_name="orders", is_using_rpc_mode=True, log_level=logging.INFO))
def order(item: str) -> int:
    fct.logger.info("ordered")
    return price(item)


if __name__ == "__main__":
    order.consume()
    result = order.push("tea")
    assert result.result == 5
    lines = handler.stream.getvalue()
    assert f"INFO {result.task_id} ordered" in lines
    assert f"INFO {result.task_id} looking up tea" in lines
    mine.info("outside")
    assert "INFO no_task_id outside" in handler.stream.getvalue()
    default().worker.stop()
