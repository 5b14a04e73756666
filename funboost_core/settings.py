"""Settings by name: arguments > environment > configuration > defaults.  Secrets are never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Callable

PREFIX = "FUNBOOST_"
_WORDS = "pass|pwd|secret|token|key|auth|sasl|credential|dsn"
_SECRET = re.compile(_WORDS, re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^/@:]*):(?:(?!://).)*@", re.DOTALL)  # up to the last @: passwords may have one
_URL_OPTION = re.compile(rf"(?<=[?&;])([^=&;]*(?:{_WORDS})[^=&;]*=)[^&;#]*", re.IGNORECASE)

Source = Callable[[], Mapping[str, Any]]


class Settings:
    """Named values from several sources.

    ``Settings({"STATE_URL": "memory://"})`` sets arguments; ``FUNBOOST_STATE_URL`` in the environment comes next, then
    the sources added with `add_source` (the first that has the name wins), then `defaults`.

    Example::

        settings = Settings({"NAMESPACE": "staging"})
        assert settings("NAMESPACE") == "staging"
        assert settings("MISSING", 7) == 7
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})
        self.defaults: dict[str, Any] = {}
        self._sources: list[tuple[str, Source]] = []

    def add_source(self, name: str, source: Source) -> None:
        """Add a lower-ranking source; `source()` is called at each look-up and should be cheap."""
        self._sources.append((name, source))

    def over(self, values: Mapping[str, Any]) -> Settings:
        """The same settings with `values` above all others."""
        other = Settings({**self.values, **values})
        other.defaults, other._sources = self.defaults, self._sources
        return other

    def _layers(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield "argument", self.values
        found = {name: os.environ.get(name) for name in os.environ if name.startswith(PREFIX)}
        yield "environment", {name[len(PREFIX) :]: value for name, value in found.items() if value is not None}
        for name, source in self._sources:
            yield name, source()
        yield "default", self.defaults

    def __call__(self, name: str, default: Any = None) -> Any:
        """The effective value of `name`, or `default`."""
        if name in self.values:
            return self.values[name]
        value = os.environ.get(PREFIX + name)
        if value is not None:
            return value
        for _, source in self._sources:
            layer = source()
            if name in layer:
                return layer[name]
        return self.defaults.get(name, default)

    def origin(self, name: str) -> str:
        """Which source decides `name`; "" when none has it."""
        return next((origin for origin, layer in self._layers() if name in layer), "")

    def effective(self) -> dict[str, tuple[Any, str]]:
        """Every known name with its value and origin, secrets hidden: safe to print."""
        found: dict[str, tuple[Any, str]] = {}
        for origin, layer in self._layers():
            for name, value in layer.items():
                found.setdefault(name, (hide(name, value), origin))
        return dict(sorted(found.items()))

    def __repr__(self) -> str:
        return f"Settings({', '.join(self.effective())})"


def hide(name: str, value: Any) -> Any:
    """`value` with secrets replaced: all of it when `name` sounds secret, else passwords inside URLs."""
    if value and _SECRET.search(name):
        return "***"
    if isinstance(value, str):
        return _URL_OPTION.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", value)) if "://" in value else value
    if isinstance(value, Mapping):
        return {key: hide(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [hide("", inner) for inner in value]
    return value


def as_bool(value: Any) -> bool:
    """A switch from the environment or a file: 1, true, yes, on."""
    return value if isinstance(value, bool) else str(value).strip().lower() in {"1", "true", "yes", "on"}
