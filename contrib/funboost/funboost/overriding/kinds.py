"""Which classes a queue has: registered ones by broker kind, with the user's own in front."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from ..aliases import OVERRIDABLE
from ..task import registered

if TYPE_CHECKING:
    from .consumer import AbstractConsumer
    from .publisher import AbstractPublisher

    Side = type[Union[AbstractConsumer, AbstractPublisher]]


class Registered(NamedTuple):
    """The classes of one broker kind."""

    publisher: type[AbstractPublisher]
    consumer: type[AbstractConsumer]


def register_custom_broker(
    broker_kind: str, publisher_class: type[AbstractPublisher], consumer_class: type[AbstractConsumer]
) -> None:
    """Make a broker kind of two classes; any task of this process can name it from now on.

    Under the name of an installed kind the classes change that kind, and what they do not override stays its own.
    Registering a kind again replaces it.  Do it before tasks of that kind are declared.

    Raises:
        TypeError: a class is not a subclass of `AbstractPublisher` or `AbstractConsumer`; the publisher comes first.

    Example::

        register_custom_broker("LIST", ListPublisher, ListConsumer)

        @boost(BoosterParams(queue_name="q", broker_kind="LIST"))
        def f(x): ...
    """
    from .consumer import AbstractConsumer
    from .publisher import AbstractPublisher

    classes: tuple[tuple[Any, type, str], ...] = (
        (publisher_class, AbstractPublisher, "publisher_class"),
        (consumer_class, AbstractConsumer, "consumer_class"),
    )
    for given, base, what in classes:
        if not (isinstance(given, type) and issubclass(given, base)):
            raise TypeError(
                f"{what}={given!r} of broker {broker_kind!r} is no subclass of {base.__name__}. "
                "The order is register_custom_broker(broker_kind, publisher_class, consumer_class)."
            )
    registered[broker_kind.casefold()] = Registered(publisher_class, consumer_class)


def compose(user: type | None, base: Any, broker_kind: str | None) -> Any:
    """A class for one queue: the user's first, then the broker's; the user's may be a plain mixin."""
    if user is None or issubclass(base, user):
        bases: tuple[type, ...] = (base,)
    elif issubclass(user, base):
        bases = (user,)
    else:
        bases = (user, base)
    name = "__".join(cls.__name__ for cls in dict.fromkeys((base, *bases)))
    return types.new_class(name, bases, {}, lambda body: body.update(BROKER_KIND=broker_kind, __module__=__name__))


def implementation(cls: Side, method: str) -> str | None:
    """The name under which a class of the user's overrides `method`; None where only ours has it.

    Raises:
        TypeError: the class inherits from `EmptyConsumer` or `EmptyPublisher` and leaves `method` out.
    """
    from .consumer import AbstractConsumer, EmptyConsumer
    from .publisher import AbstractPublisher, EmptyPublisher

    names = (method, *OVERRIDABLE.get(method, ()))
    for owner in cls.__mro__:
        if owner in (EmptyConsumer, EmptyPublisher) and method in vars(owner):
            raise TypeError(
                f"{cls.__name__} is an {owner.__name__} and has to implement {' or '.join(reversed(names))}."
            )
        if owner in (AbstractConsumer, AbstractPublisher):
            return None
        for name in names:
            if name in vars(owner):
                return name
    return None
