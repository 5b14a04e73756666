"""A task's arguments on their way out: methods, annotations, codecs, and pickle for what nothing else carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import NotSerializable, SignatureError
from ..message import encode

if TYPE_CHECKING:
    from ..task import Task


class Carrier:
    """What turns the arguments of one task into JSON; `active` where there is more to do than to encode them.

    `objects`: the broker passes objects, so that only what stands for `self` and `cls` is replaced.
    """

    def __init__(self, task: Task, objects: bool) -> None:
        self._task = task
        self._method = task.method
        self._objects = objects
        self._typed = () if objects else task.typed
        self._codecs = () if objects else task.codecs
        self._check: bool = task.params.should_check_publish_func_params
        self.active: bool = bool(self._method or self._typed or self._codecs)

    def pack(self, arguments: Mapping[str, Any], extra: dict[str, Any], settled: bool = False) -> dict[str, Any]:
        """Arguments as they travel; without `settled`, the last of them may be left for `encode` to pickle.

        Raises:
            SignatureError: a JSON value does not fit its annotation; `self` or `cls` is another's.
            NotSerializable, SecretKeyMissing: neither JSON nor pickle carries it, or no key is set.
        """
        packed, inexact = dict(arguments), []
        if self._method is not None and self._method.first in packed:
            packed[self._method.first] = self._method.pack(packed[self._method.first])
        for typed in self._typed:
            if typed.name in packed:
                try:
                    packed[typed.name], exact = typed.pack(packed[typed.name])
                except ValueError as error:
                    if self._check:
                        problem = f"{typed.name}={packed[typed.name]!r:.200} does not fit its annotation: {error}"
                        raise SignatureError(function=self._task.signature.name, problem=problem) from error  # type: ignore[union-attr]
                else:
                    if not exact:
                        inexact.append(typed.name)
        if (settled or inexact or self._codecs) and not self._objects:
            inexact += [name for name in packed if name not in inexact and not self._carried(name, packed[name])]
        return self._pickled(packed, extra, inexact) if inexact else packed

    def code(self, arguments: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        """Packed arguments after the codecs of the plugins."""
        if not self._codecs:
            return arguments
        from .codecs import pack_codecs

        return pack_codecs(self._codecs, self._task, arguments, extra)

    def encode(self, arguments: Mapping[str, Any], extra: dict[str, Any]) -> bytes:
        """A message as JSON text; what it cannot carry is pickled.  Raises as `pack`."""
        name = self._task.queue_name
        try:
            return encode({**arguments, "extra": extra}, name)
        except NotSerializable:
            encode({"extra": extra}, name)  # of an entry of its own a message has to be relieved by who gave it
            left = [each for each in arguments if not self._carried(each, arguments[each])]
            packed = self._pickled(arguments, extra, left)
            return encode({**packed, "extra": extra}, name)

    def _pickled(self, arguments: Mapping[str, Any], extra: dict[str, Any], names: list[str]) -> dict[str, Any]:
        from .signed import pack  # not at the top: most programs never pickle

        return pack(self._task, arguments, extra, names)

    def _carried(self, name: str, value: Any) -> bool:
        try:
            encode({name: value})
        except NotSerializable:
            return False
        return True
