"""FOLDER: a queue is a folder, a message is a file, and taking a message is renaming its file."""

import contextlib
import sqlite3
import uuid

from pydantic import BaseModel, Field

from funboost_core import BrokerSpec, Delivery, PullBroker, hookimpl
from funboost_core import Capability as C


class Options(BaseModel, extra="forbid", frozen=True):
    poll_seconds: float = Field(default=0.05, gt=0, description="Pause between two looks at an empty queue.")


class FolderBroker(PullBroker):
    def open(self):
        self.root = self.context.environment.data_dir() / "folders" / self.context.queue
        self.ready = self.root / "ready"
        self.ready.mkdir(parents=True, exist_ok=True)
        self.mine = self.root / f"{uuid.uuid4().hex}.claimed"
        self.lock = hold(self.mine)  # before others can see the folder, or they would take us for dead
        self.mine.mkdir()

    def publish(self, messages):
        for number, message in enumerate(messages):  # names sort by time, and in order within a batch
            draft = self.root / f"{self.context.clock.time():017.6f}-{number:06d}-{uuid.uuid4().hex}"
            draft.write_bytes(message.body)
            draft.rename(self.ready / draft.name)  # a message is complete, or not there at all

    def fetch(self, limit, timeout):
        taken = [mine for path in sorted(self.ready.iterdir())[:limit] if (mine := move(path, self.mine))]
        if not taken:
            self.context.clock.sleep(min(timeout, self.context.options.poll_seconds))
        return [Delivery(path.read_bytes(), tag=path) for path in taken]

    def ack(self, deliveries):
        for delivery in deliveries:
            delivery.tag.unlink(missing_ok=True)

    def requeue(self, deliveries):
        for delivery in deliveries:
            move(delivery.tag, self.ready)

    def count(self):
        return sum(1 for _ in self.ready.iterdir())

    def maintain(self):
        for folder in self.root.glob("*.claimed"):
            if lock := hold(folder):  # nobody else does: its process is dead
                for path in folder.glob("*"):
                    move(path, self.ready)
                with contextlib.suppress(FileNotFoundError):
                    folder.rmdir()
                lock.close()
                folder.with_suffix(".lock").unlink(missing_ok=True)

    def close(self):
        self.lock.close()
        self.maintain()


def move(path, folder):
    """Move a file and return its new path; of two who try, one succeeds and the other gets None."""
    with contextlib.suppress(FileNotFoundError):
        return path.rename(folder / path.name)
    return None


def hold(folder):
    """Lock a folder until this process ends, however it ends; None where a living process holds it."""
    lock = sqlite3.connect(folder.with_suffix(".lock"), timeout=0, isolation_level=None, check_same_thread=False)
    with contextlib.suppress(sqlite3.OperationalError):
        lock.execute("BEGIN EXCLUSIVE")
        return lock
    return lock.close()


@hookimpl
def funboost_brokers():
    can = C.PUBLISH | C.ACK | C.REQUEUE | C.COUNT | C.PERSISTENT | C.CROSS_PROCESS | C.RECOVER | C.THREADSAFE_ACK
    return [BrokerSpec("FOLDER", FolderBroker, can, Options, summary="a folder of files on this host")]
