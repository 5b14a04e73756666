"""POOL: the thread pool of the standard library as an engine; its queues are in this process."""

import collections
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from funboost_core import BrokerSpec, Capability, EngineBroker, hookimpl

jobs = collections.defaultdict(queue.SimpleQueue)


class PoolEngine(EngineBroker):
    def publish(self, messages):
        for message in messages:
            jobs[self.context.queue].put(message.body)

    def bind(self, task, execute):
        self.execute = execute
        self.workers = task.params.concurrent_num  # owned: translated

    def serve(self, stop):
        free = threading.Semaphore(self.workers)
        with ThreadPoolExecutor(self.workers) as pool:  # at the end of the block it waits for what runs
            while not stop.is_set():
                if free.acquire(timeout=0.05):
                    try:
                        pool.submit(self.job, jobs[self.context.queue].get(timeout=0.05), free)
                    except queue.Empty:
                        free.release()

    def job(self, body, free):
        try:
            return self.execute(body).value()  # the result, or the error for who keeps a record of failures
        finally:
            free.release()


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec("POOL", PoolEngine, Capability.PUBLISH, None, "a thread pool", owns=frozenset({"concurrent_num"}))
    ]
