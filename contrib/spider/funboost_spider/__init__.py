"""For crawlers: an HTTP client that retries and changes proxies, selectors on the response, rows saved to databases.

Names are imported when first used: httpx, parsel, SQLAlchemy and pymongo cost nothing until then.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clients import AsyncRequestClient as AsyncRequestClient
    from .clients import RequestClient as RequestClient
    from .responses import BodyTooLarge as BodyTooLarge
    from .responses import Response as Response
    from .retrying import Retry as Retry
    from .saving import Saver as Saver

_HOMES = {
    "AsyncRequestClient": "clients",
    "BodyTooLarge": "responses",
    "RequestClient": "clients",
    "Response": "responses",
    "Retry": "retrying",
    "Saver": "saving",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
