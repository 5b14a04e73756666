import dataclasses
import datetime
import uuid

from funboost import BoosterParams, boost, fct
from pydantic import BaseModel

from funboost_core import SignatureError, default


@dataclasses.dataclass
class Address:
    city: str


class Order(BaseModel):
    number: uuid.UUID
    day: datetime.date
    to: Address


class Basket:  # nothing that JSON or pydantic knows
    def __init__(self, *things: str) -> None:
        self.things = things


@boost(BoosterParams(queue_name="orders", is_using_rpc_mode=True))
def handle(order: Order, tags: set[str], basket: Basket) -> str:
    message = fct.full_msg  # as it travels
    assert message["order"]["day"] == "2030-01-02" and message["tags"] == ["urgent"]
    assert message["extra"]["can_not_json_serializable_keys"] == ["basket"]  # pickled and signed
    return f"{basket.things} to {order.to.city} on {order.day:%d.%m.}, {tags}"


if __name__ == "__main__":
    handle.consume()
    order = Order(number=uuid.uuid4(), day=datetime.date(2030, 1, 2), to=Address("Paris"))
    result = handle.push(order, {"urgent"}, Basket("book", "pen"))
    assert result.result == "('book', 'pen') to Paris on 02.01., {'urgent'}"
    refused = ""
    try:
        handle.push({"number": "x"}, [], None)
    except SignatureError as error:
        refused = str(error)
    assert "order={'number': 'x'} does not fit its annotation" in refused
    default().worker.stop()
