import threading
import time
from collections import defaultdict

from funboost import BoosterParams, BrokerEnum, EmptyConsumer, EmptyPublisher, boost

from funboost_core import default

lists = defaultdict(list)
lock = threading.Lock()
seen = []


class ListConsumer(EmptyConsumer):
    def custom_init(self):
        self.list = lists[self.queue_name]

    def _dispatch_task(self):  # the documentation of the original calls it _shedual_task
        while True:
            try:
                with lock:
                    msg = self.list.pop(0)
            except IndexError:
                time.sleep(0.01)
            else:
                self._submit_task({"body": msg})  # returns when the message can start

    def _confirm_consume(self, kw):
        pass  # it has been taken out of the list already

    def _requeue(self, kw):
        with lock:
            self.list.append(kw["body"])


class ListPublisher(EmptyPublisher):
    def custom_init(self):
        self.list = lists[self.queue_name]

    def concrete_realization_of_publish(self, msg: str):
        with lock:
            self.list.append(msg)

    def clear(self):
        with lock:
            self.list.clear()

    def get_message_count(self):
        return len(self.list)

    def close(self):
        pass


@boost(
    BoosterParams(
        queue_name="listed",
        broker_kind=BrokerEnum.EMPTY,
        consumer_override_cls=ListConsumer,
        publisher_override_cls=ListPublisher,
        concurrent_num=10,
    )
)
def work(x: int) -> None:
    seen.append(x)


if __name__ == "__main__":
    for x in range(20):
        work.push(x)
    assert work.get_message_count() == 20
    work.consume()
    work.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()

    assert sorted(seen) == list(range(20))
