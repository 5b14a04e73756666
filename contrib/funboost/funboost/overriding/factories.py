"""Consumers and publishers without the decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from funboost_core.environment import default
from funboost_core.errors import ConfigError

from ..booster import Booster, boost
from ..params import BoosterParams, PublisherParams
from ..refusals import refuse

if TYPE_CHECKING:
    from funboost_core.environment import Environment

    from .consumer import AbstractConsumer
    from .publisher import AbstractPublisher


def get_consumer(boost_params: BoosterParams, *, environment: Environment | None = None) -> AbstractConsumer:
    """The consumer of a function that is not decorated; ``consuming_function`` names it.

    Raises:
        ConfigError: there is no `consuming_function`; it is a ValueError.

    Example::

        consumer = get_consumer(BoosterParams(queue_name="q", consuming_function=f))
        consumer.publisher_of_same_queue.publish({"x": 1})
        consumer.start_consuming_message()
    """
    function = boost_params.consuming_function
    if function is None:
        raise ConfigError(f"get_consumer needs consuming_function in the BoosterParams of {boost_params.queue_name!r}.")
    made = boost(boost_params, environment=environment)(function)
    return made.consumer


def get_publisher(
    publisher_params: PublisherParams | BoosterParams, *, environment: Environment | None = None
) -> AbstractPublisher:
    """What publishes to a queue whose function need not be known here; without it there is no `push`.

    Example::

        get_publisher(PublisherParams(queue_name="q")).publish({"x": 1})
    """
    where = environment or default()
    params: BoosterParams
    if isinstance(publisher_params, BoosterParams):
        params = publisher_params
    else:
        said = publisher_params.model_fields_set & BoosterParams.model_fields.keys()
        params = BoosterParams(**{name: getattr(publisher_params, name) for name in said})
    refuse(params, where)
    make: Any = Booster  # whose call decorates, as far as type checkers know
    made: Booster[..., Any, Any] = make(params, params.consuming_function, where)
    if params.consuming_function is None:
        vars(made)["__name__"] = "(unknown function)"
    if getattr(publisher_params, "clear_queue_within_init", False):
        made.clear()
    return made.publisher
