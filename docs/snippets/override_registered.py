"""LATEST: the message that was published last runs first; what was taken stays until it is acknowledged."""

import json
import queue

from funboost import AbstractConsumer, AbstractPublisher, BoosterParams, boost, register_custom_broker

from funboost_core import default

stacks, unacknowledged, seen = {}, {}, []


class LatestConsumer(AbstractConsumer):
    BROKER_EXCLUSIVE_CONFIG_DEFAULT = {"most": 0}

    def custom_init(self):
        most = self.consumer_params.broker_exclusive_config["most"]
        self.stack = stacks.setdefault(self.queue_name, queue.LifoQueue(most))

    def _dispatch_task(self):
        while True:
            msg = self.stack.get()
            receipt = object()
            unacknowledged[receipt] = msg
            self._submit_task({"body": msg, "receipt": receipt})

    def _confirm_consume(self, kw):
        del unacknowledged[kw["receipt"]]

    def _requeue(self, kw):
        del unacknowledged[kw["receipt"]]
        self.stack.put(json.dumps(kw["body"]))


class LatestPublisher(AbstractPublisher):
    def custom_init(self):
        most = self.publisher_params.broker_exclusive_config["most"]
        self.stack = stacks.setdefault(self.queue_name, queue.LifoQueue(most))

    def concrete_realization_of_publish(self, msg):
        self.stack.put(msg)

    def get_message_count(self):
        return self.stack.qsize()


register_custom_broker("LATEST", LatestPublisher, LatestConsumer)


@boost(
    BoosterParams(
        queue_name="quotes",
        broker_kind="LATEST",
        broker_exclusive_config={"most": 1000},
        concurrent_mode="single_thread",
    )
)
def quote(price: int) -> None:
    seen.append(price)


if __name__ == "__main__":
    for price in range(5):
        quote.push(price)
    quote.consume()
    quote.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()

    assert seen == [4, 3, 2, 1, 0]
    assert unacknowledged == {}
