import folder_broker
import pytest

from funboost_core import BoosterParams, Environment, Outgoing, register_plugin
from funboost_core.task import Task


@pytest.fixture
def environment(tmp_path):
    environment = Environment({"DATA_DIR": str(tmp_path)})
    register_plugin(folder_broker, environment)
    yield environment
    environment.close()


@pytest.fixture
def make(environment):
    """Makes broker objects of one queue, as several consumers would have them."""
    made = []

    def make():
        task = Task(BoosterParams(queue_name="q", broker_kind="FOLDER"), None, environment)
        made.append(task.make_broker())
        return made[-1]

    yield make
    for broker in made:
        broker.close()


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def test_messages_come_in_order_and_to_one_consumer_only(make):
    one, two = make(), make()
    one.publish([Outgoing(b"1"), Outgoing(b"2")])
    one.publish([Outgoing(b"3")])
    assert two.count() == 3
    assert bodies(two.fetch(2, 0)) == [b"1", b"2"]
    assert bodies(one.fetch(10, 0)) == [b"3"]
    assert one.count() == 0


def test_acknowledging_forgets_and_requeueing_gives_back(make):
    broker = make()
    broker.publish([Outgoing(b"1"), Outgoing(b"2")])
    first, second = broker.fetch(2, 0)
    broker.ack([first])
    broker.requeue([second])
    broker.ack([second])  # too late: it is not ours any more
    assert bodies(broker.fetch(2, 0)) == [b"2"]


def test_the_living_keep_what_they_hold_and_the_closed_give_it_back(make):
    one, two = make(), make()
    one.publish([Outgoing(b"1")])
    one.fetch(1, 0)
    two.maintain()
    assert two.count() == 0
    one.close()
    assert bodies(two.fetch(1, 0)) == [b"1"]
