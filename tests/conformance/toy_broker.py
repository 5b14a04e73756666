"""The toy engine as a broker, in two ways."""

from __future__ import annotations

import toy_engine
from pydantic import BaseModel, ConfigDict, Field

from funboost_core import EngineBroker


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    workers: int = Field(default=4, ge=1, description="Worker threads, where concurrent_num does not say it.")


class ToyBroker(EngineBroker):
    """Retries, delays and priorities are the toy's."""

    workers = property(lambda self: self.task.params.concurrent_num)

    def open(self):
        self.toy = toy_engine.Toy(self.context.environment.data_dir() / "toy.sqlite3")

    def publish(self, messages):
        self.toy.enqueue(self.context.queue, [(m.body, m.priority, m.due or 0.0, m.attempts) for m in messages])

    def bind(self, task, execute):
        self.task, self.execute = task, execute
        self.toy.functions[self.context.queue] = self.job

    def job(self, body, tries):
        try:
            done = self.execute(body, tries)
        except Exception as error:  # not settled
            raise toy_engine.Again(1.0) from error
        if done.again is not None:
            raise toy_engine.Again(done.again)
        return done.value()

    def serve(self, stop):
        self.toy.work(self.context.queue, self.workers, stop)

    def count(self):
        return self.toy.count(self.context.queue)

    def purge(self):
        self.toy.purge(self.context.queue)


class PlainBroker(ToyBroker):
    """Retries and delays are the core's."""

    workers = property(lambda self: self.context.options.workers)

    def publish(self, messages):
        self.toy.enqueue(self.context.queue, [(m.body, 0, 0.0, m.attempts) for m in messages])
