"""Names of keys.  What belongs together has the same part in braces, which keeps it on one node of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from funboost_core.environment import Environment


class Keys:
    """Makes names with the NAMESPACE in front; with `node`, of a cluster, all of them are on one node."""

    def __init__(self, environment: Environment, node: str = "") -> None:
        self._start = environment.namespaced("")  # looked up once: this is on the way of every result
        if node:
            self._start += f"{{{node}}}."

    def __call__(self, *kinds: str, of: str) -> list[str]:
        """``funboost:<kind>:{<of>}`` for each of `kinds`."""
        return [f"{self._start}funboost:{kind}:{{{of}}}" for kind in kinds]

    def plain(self, name: str) -> str:
        """A documented name."""
        return self._start + name
