"""The decorator: parameters + function -> Booster."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Callable, Protocol, TypeVar, overload

from typing_extensions import ParamSpec

from . import bootstrap
from .booster import Booster
from .checks import refuse_impossible
from .environment import default
from .params import BoosterParams

if TYPE_CHECKING:
    from .environment import Environment

P = ParamSpec("P")
R = TypeVar("R")


class Decorator(Protocol):
    """What `boost(...)` returns: it takes a plain function or an ``async def``."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]]) -> Booster[P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def __call__(self, function: Callable[P, R]) -> Booster[P, R, R]: ...


def boost(
    boost_params: BoosterParams,
    *,
    environment: Environment | None = None,
    booster_class: type[Booster[Any, Any, Any]] = Booster,
) -> Decorator:
    """Make a function a task.

    Args:
        boost_params: how it is published and consumed.
        environment: the program it belongs to, the default one if None.
        booster_class: what the function becomes.

    Raises:
        ConfigError: a control cannot work with this broker or is not available.

    Example::

        @boost(BoosterParams(queue_name="add", qps=5))
        def add(x: int, y: int) -> int:
            return x + y

        add.push(1, y=2)
        add.consume()
    """
    where = environment or default()

    def decorate(function: Callable[..., Any]) -> Booster[Any, Any, Any]:
        booster = booster_class(boost_params, function, where)
        refuse_impossible(booster.task)
        where.registry.add(booster)
        if boost_params.is_auto_start_consuming_message and not bootstrap.muted:
            booster.consume()
        return booster

    return decorate
