"""What a consumer is at heart: messages from a list in Redis, each a call in a pool of threads.

Nothing is acknowledged, retried or limited: what was taken is lost when the process dies.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Callable

from ..concurrent_pool.flexible_thread_pool import FlexibleThreadPool
from ..utils.redis_manager import RedisMixin

logger: logging.Logger = logging.getLogger("funboost.beggar")


def start_consuming_message(queue_name: str, consume_function: Callable[..., Any], threads_num: int = 50) -> None:
    """Call ``consume_function(**message)`` for each JSON object in the list `queue_name`, for ever.

    Args:
        queue_name: the list, in the database of queues; others LPUSH to it.
        consume_function: may be an ``async def``.
        threads_num: most calls at once.

    Example::

        RedisMixin().redis_db_frame.lpush("numbers", '{"x": 1, "y": 2}')
        start_consuming_message("numbers", add, threads_num=10)
    """
    import redis

    pool, server = FlexibleThreadPool(threads_num), RedisMixin().redis_db_frame
    while True:
        try:
            taken: Any = server.brpop([queue_name], timeout=5)
            if taken:
                pool.submit(consume_function, **json.loads(taken[1]))
        except redis.RedisError as error:
            logger.warning("%s: %s", queue_name, error)
            time.sleep(1)
        except (ValueError, TypeError) as error:
            logger.warning("%s: %r is no JSON object: %s", queue_name, taken, error)
