"""Brokers of users, as the documentation writes them: a list, a deque, last in first out with an acknowledgement."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque

from funboost import (
    AbstractConsumer,
    AbstractPublisher,
    BoosterParams,
    BrokerEnum,
    EmptyConsumer,
    EmptyPublisher,
    boost,
    register_custom_broker,
)
from funboost.overriding.handover import feeding


def rest():
    """A moment between two looks; the end of the loop once its test is over, or it would look for ever."""
    if feeding.get().stop.is_set():
        raise SystemExit
    time.sleep(0.001)


lists: dict = defaultdict(list)
deques: dict = defaultdict(deque)
lock = threading.Lock()


class ListConsumer(EmptyConsumer):
    def custom_init(self):
        self.list: list = lists[self.queue_name]

    def _shedual_task(self):
        while True:
            try:
                with lock:
                    msg = self.list.pop()
                self._submit_task({"body": msg})
            except IndexError:
                rest()

    def _confirm_consume(self, kw):
        pass

    def _requeue(self, kw):
        with lock:
            self.list.append(kw["body"])


class ListPublisher(EmptyPublisher):
    def custom_init(self):
        self.list: list = lists[self.queue_name]

    def concrete_realization_of_publish(self, msg: str):
        with lock:
            self.list.append(msg)

    def clear(self):
        with lock:
            self.list.clear()

    def get_message_count(self):
        with lock:
            return len(self.list)

    def close(self):
        pass


class DequeConsumer(AbstractConsumer):
    """Derived from the abstract class, under the newer name of the loop, with JSON text put back."""

    def custom_init(self):
        self.deque = deques[self.queue_name]

    def _dispatch_task(self):
        while True:
            if self.deque:
                self._submit_task({"body": self.deque.popleft()})
            else:
                rest()

    def _confirm_consume(self, kw):
        pass

    def _requeue(self, kw):
        self.deque.append(json.dumps(kw["body"]))


class DequePublisher(AbstractPublisher):
    def custom_init(self):
        self.deque = deques[self.queue_name]

    def concrete_realization_of_publish(self, msg):
        self.deque.append(msg)

    def clear(self):
        self.deque.clear()

    def get_message_count(self):
        return len(self.deque)

    def close(self):
        pass


class Stack:
    """Last in, first out; what was taken stays until it is acknowledged."""

    def __init__(self):
        self.waiting = []
        self.taken = {}
        self.acknowledged = []
        self.changed = threading.Condition()

    def push(self, text):
        with self.changed:
            self.waiting.append(text)
            self.changed.notify_all()

    def pop(self):
        with self.changed:
            while not self.waiting:
                self.changed.wait()
            text = self.waiting.pop()
            receipt = object()
            self.taken[receipt] = text
            return receipt, text

    def settle(self, receipt):
        with self.changed:
            self.acknowledged.append(self.taken.pop(receipt))


stacks: dict = defaultdict(Stack)


class StackConsumer(EmptyConsumer):
    BROKER_EXCLUSIVE_CONFIG_DEFAULT = {"suffix": ""}

    def custom_init(self):
        self.stack = stacks[self.queue_name + self.consumer_params.broker_exclusive_config["suffix"]]

    def _shedual_task(self):
        while True:
            receipt, text = self.stack.pop()
            self._submit_task({"body": text, "receipt": receipt})

    def _confirm_consume(self, kw):
        self.stack.settle(kw["receipt"])

    def _requeue(self, kw):
        self.stack.settle(kw["receipt"])
        self.stack.push(json.dumps(kw["body"]))


class StackPublisher(EmptyPublisher):
    def custom_init(self):
        self.stack = stacks[self.queue_name + self.publisher_params.broker_exclusive_config["suffix"]]

    def concrete_realization_of_publish(self, msg):
        self.stack.push(msg)

    def clear(self):
        self.stack.waiting.clear()

    def get_message_count(self):
        return len(self.stack.waiting)

    def close(self):
        pass


PAIRS = {
    "list": (ListPublisher, ListConsumer),
    "deque": (DequePublisher, DequeConsumer),
    "stack": (StackPublisher, StackConsumer),
}
MODES = ["threading", "single_thread", "async"]


def declare(environment, queue, pair, function, how="override", mode="threading", **fields):
    publisher, consumer = PAIRS[pair]
    if how == "registered":
        register_custom_broker(f"OWN_{pair}", publisher, consumer)
        fields["broker_kind"] = f"own_{pair}"
    else:
        fields.update(broker_kind=BrokerEnum.EMPTY, publisher_override_cls=publisher, consumer_override_cls=consumer)
    if mode == "async":
        plain = function

        async def function(**kwargs):
            return plain(**kwargs)

        fields["should_check_publish_func_params"] = False
    params = BoosterParams(queue_name=queue, concurrent_mode=mode, **fields)
    return boost(params, environment=environment)(function)


def source(requeued=None, **methods):
    """A consumer's class whose loop runs `methods["loop"](self)`."""

    class Source(AbstractConsumer):
        def _shedual_task(self):
            methods["loop"](self)

        def _requeue(self, kw):
            (requeued if requeued is not None else []).append(kw)

    return Source


def of(cls, environment, queue, function, **fields):
    params = BoosterParams(queue_name=queue, broker_kind="empty", consumer_override_cls=cls, **fields)
    return boost(params, environment=environment)(function)


def elsewhere(call):
    """Let another thread do something meanwhile."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join(40)
    assert not thread.is_alive()
