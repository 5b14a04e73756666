"""What the tests run in processes of their own: ``python sqlite_queue_child.py <what> <data folder> <arguments>``."""

from __future__ import annotations

import logging
import os
import sys
import time

from funboost_broker_sqlite_queue.broker import SqliteBroker
from funboost_broker_sqlite_queue.options import Options

from funboost_core.environment import Environment
from funboost_core.ports.broker import BrokerContext, Outgoing


def say(*words):
    print(*words, flush=True)


def consume(broker):
    """Until the message "stop", which is left for the others."""
    broker.listen()
    say("ready")
    done, running = (), True
    while running:
        done = broker.fetch(17, 10) if not done else broker.turn(done, 17)
        stops = [delivery for delivery in done if delivery.body == b"stop"]
        done = [delivery for delivery in done if delivery.body != b"stop"]
        for delivery in done:
            print(delivery.body.decode(), delivery.attempts)
        if stops:
            broker.ack(done)
            broker.requeue(stops)
            running = False
    broker.close()


def hold(broker, fetched, *acked):
    """Fetch, acknowledge some, then wait to be killed."""
    broker.listen()
    got = broker.fetch(int(fetched), 0)
    broker.ack([got[int(position)] for position in acked])
    say(len(got))
    time.sleep(60)


def hold_and_fork(broker, fetched):
    """Like `hold`, with a forked child that outlives us."""
    broker.listen()
    got = broker.fetch(int(fetched), 0)
    up, reports = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(1)
        os.write(reports, b".")  # it has let go of what it inherited: that happens in the child, not within fork
        time.sleep(60)
        os._exit(0)
    os.read(up, 1)
    say(len(got), child)
    time.sleep(60)


def recovered(broker):
    """How many messages come back from consumers that are taken for dead."""
    before = broker.count()
    broker.listen()
    say(broker.count() - before)
    broker.close()


def count(broker):
    say(broker.count())
    broker.close()


def publish(broker, count, name):
    for i in range(int(count)):
        broker.publish([Outgoing(f"{name} {i}".encode())])
        say(i)


def publish_once(broker, body):
    """On a line from the parent."""
    say("ready")
    sys.stdin.readline()
    broker.publish([Outgoing(body.encode())])


def main():
    what, folder, *arguments = sys.argv[1:]
    environment = Environment({"DATA_DIR": folder})
    broker = SqliteBroker(BrokerContext("SQLITE_QUEUE", "q", Options(), environment, logging.getLogger("child")))
    broker.open()
    globals()[what](broker, *arguments)


if __name__ == "__main__":
    main()
