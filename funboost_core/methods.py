"""Class and instance methods as tasks: what stands for `cls` or `self` in a message, and what it becomes again.

In a message it is ``{"first_param_name": "self", "cls_name": "Report", "cls_file": "/srv/app.py", "cls_module": "app",
"obj_init_params": {"year": 2030}}``, without the last entry for a class method.  A consumer takes the class from its own
function; of what the message says the name of the class is compared, and nothing is looked up by it.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any, Callable

from .errors import BadMessage, ConfigError, SignatureError

CLASS_METHOD = "CLASS_METHOD"
COMMON_FUNCTION = "COMMON_FUNCTION"
INSTANCE_METHOD = "INSTANCE_METHOD"
STATIC_METHOD = "STATIC_METHOD"


def kind_of(function: Callable[..., Any]) -> str:
    """What kind of function it is: inside a class (by its qualified name), and with `self` or `cls` in the first place.

    Example::

        assert kind_of(kind_of) == "COMMON_FUNCTION"
    """
    if "." not in getattr(function, "__qualname__", "").rpartition("<locals>.")[2]:
        return COMMON_FUNCTION
    first = next(iter(inspect.signature(function).parameters), "")
    return {"self": INSTANCE_METHOD, "cls": CLASS_METHOD}.get(first, STATIC_METHOD)


def method_of(function: Callable[..., Any], kind: str | None = None) -> Method | None:
    """The method that a function is, None for a plain or static one; `kind` where it is known better.

    Raises:
        ConfigError: it is a method and has no parameter for its object; or no function yet.
    """
    if isinstance(function, (classmethod, staticmethod)):
        name, wrapper = function.__func__.__qualname__, type(function).__name__
        raise ConfigError(f"{name}: put @{wrapper} above @boost, so that @boost gets the function itself.")
    kind = kind or kind_of(function)
    if kind not in (CLASS_METHOD, INSTANCE_METHOD):
        return None
    first = next(iter(inspect.signature(function).parameters), None)
    if first is None:
        raise ConfigError(f"{function.__qualname__} is to be a {kind} and takes no argument.")
    return Method(function, first, kind == INSTANCE_METHOD)


class Method:
    """A method by its function; `first` is the name of its first parameter."""

    def __init__(self, function: Callable[..., Any], first: str, of_instances: bool) -> None:
        self.first = first
        self._of_instances = of_instances
        self._module: str = function.__module__
        self._name: str = function.__qualname__
        self._owner: type | None = None

    @property
    def owner(self) -> type:
        """The class it was defined in, in this process.

        Raises:
            ConfigError: it cannot be found by the function's name.
        """
        if self._owner is None:
            found: Any = sys.modules.get(self._module)
            for part in self._name.split(".")[:-1]:
                found = getattr(found, part, None)
            if not isinstance(found, type):
                raise ConfigError(
                    f"The class of {self._module}.{self._name} cannot be found by that name. "
                    "Define it at the top level of a module, and decorate no function that is given to it later."
                )
            self._owner = found
        return self._owner

    @owner.setter
    def owner(self, owner: type) -> None:
        self._owner = owner

    def pack(self, value: Any) -> dict[str, Any]:
        """What stands for the object or class in a message.

        Raises:
            SignatureError: it is another's, or an object without `obj_init_params`.
        """
        if type(value) is dict:  # published as it is in a message
            return value
        owner, kind = self.owner, "an object" if self._of_instances else "the class"
        if (type(value) if self._of_instances else value) is not owner:
            what = value if isinstance(value, type) else type(value)
            raise self._refusal(
                f"{self.first!r} must be {kind} {owner.__qualname__}, not {what.__qualname__}"
                + (": a consumer knows only the class that defines the method" if issubclass(what, owner) else "")
            )
        form = {
            "first_param_name": self.first,
            "cls_name": owner.__name__,
            "cls_file": getattr(sys.modules.get(owner.__module__), "__file__", None) or "",
            "cls_module": owner.__module__,
        }
        if self._of_instances:
            given = getattr(value, "obj_init_params", None)
            if not isinstance(given, dict):
                raise self._refusal(
                    f"the {owner.__qualname__} has no dict `obj_init_params`; set it in __init__ to the arguments from "
                    "which a consumer makes the object again, for example self.obj_init_params = {'x': x}"
                )
            form["obj_init_params"] = dict(given)
        return form

    def restore(self, form: Any) -> Any:
        """The class, or an object made anew from the arguments in a message.

        Raises:
            BadMessage: the message was not made for this method.
        """
        owner = self.owner
        if type(form) is not dict or form.get("cls_name") != owner.__name__:
            named = form.get("cls_name") if type(form) is dict else form
            raise BadMessage(reason=f"{self.first!r} of {self._name} is to be a {owner.__name__}, not {named!r:.100}")
        if not self._of_instances:
            return owner
        init = form.get("obj_init_params")
        if type(init) is not dict:
            raise BadMessage(reason=f"{self.first!r} of {self._name} has no obj_init_params")
        return owner(**init)

    def _refusal(self, problem: str) -> SignatureError:
        return SignatureError(function=self._name, problem=problem)
