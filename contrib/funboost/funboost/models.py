"""Models whose fields have more than one spelling: the right one is the field, the others read, write and subclass it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from pydantic import BaseModel, ValidationError, model_validator
from typing_extensions import Self

from funboost_core.errors import ConfigError

from .aliases import DOCUMENTED

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

Values = dict[str, Any]
"""Fields by name; an alias, because `BaseJsonAbleModel.dict` hides the built-in."""


class _Fields:
    """The signature of a model: its fields, as shells and notebooks show and complete them."""

    def __get__(self, cls: type[BaseModel], metaclass: Any = None) -> inspect.Signature:
        parameters = []
        for name, field in cls.model_fields.items():
            required = field.is_required()
            default = inspect.Parameter.empty if required else field.get_default(call_default_factory=True)
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter(name, kind, default=default, annotation=field.annotation))
        return inspect.Signature(parameters)

    def __set__(self, cls: type[BaseModel], value: Any) -> None:
        """Pydantic would set one that it makes before all fields are known."""


class Spelling(ModelMetaclass):
    """Makes the class: other spellings become properties, and annotated defaults in subclasses may use them.

    Raises:
        ValueError: a subclass of a class with `fixed_fields` adds a field.
    """

    __signature__: _Fields = _Fields()

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:
        """Read the other spellings of a class body, then let pydantic make the class."""
        fixed: Any = next((base for base in bases if getattr(base, "fixed_fields", False)), None)
        spellings = namespace.get("spellings") or getattr(fixed, "spellings", {})
        annotations = namespace.get("__annotations__", {})
        for theirs, ours in spellings.items():
            if theirs in annotations:
                annotations[ours] = annotations.pop(theirs)
            if theirs in namespace:
                namespace[ours] = namespace.pop(theirs)
        if fixed is None:
            namespace.update({theirs: _respelt(ours) for theirs, ours in spellings.items()})
        cls: Any = super().__new__(mcs, name, bases, namespace, **kwargs)
        if fixed is not None:
            known: set[str] = set(fixed.model_fields)
            for field in set(cls.model_fields) - known:
                raise ValueError(
                    f"{name} adds the field {field!r}; a subclass of {fixed.__name__} may only change defaults."
                    f"{_near(field, [*known, *spellings])}"
                )
        return cls  # type: ignore[no-any-return]


def _respelt(name: str) -> property:
    return property(
        lambda self: getattr(self, name),
        lambda self, value: setattr(self, name, value),
        doc=f"The same as `{name}`.",
    )


def _near(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, 1)
    return f" Did you mean {near[0]!r}?" if near else ""


class BaseJsonAbleModel(BaseModel, metaclass=Spelling):
    """Base of the parameter classes: JSON text of any content, updates in place, fields under several spellings."""

    spellings: ClassVar[Mapping[str, str]] = {}
    fixed_fields: ClassVar[bool] = False

    if not TYPE_CHECKING:  # type checkers make the signature from the fields

        def __init__(self, **values):
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ConfigError(_readable(type(self), error, values)) from None

    @model_validator(mode="before")
    @classmethod
    def _read_spellings(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        values: Values = {**given}
        known = cls.model_fields
        for name in values.keys() - known.keys():
            ours = cls.spellings.get(name)
            if ours is None:
                raise ValueError(f"there is no field {name!r}.{_near(name, [*known, *cls.spellings])}")
            if ours in values:
                raise ValueError(f"{name} and {ours} are spellings of the same field; give one of them")
            values = {ours if key == name else key: value for key, value in values.items()}
        return values

    # -- what pydantic 1 called them; the keys are the documented names -----------------------------------------------

    def copy(self, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False, **_: Any) -> Self:
        """A copy, with `update` applied unchecked."""
        return self.model_copy(update=self._ours(update or {}), deep=deep)

    def dict(self, **options: Any) -> Values:
        """The fields by documented name; options as of pydantic's `model_dump`, for example ``exclude_none=True``."""
        return {self._documented(name): value for name, value in self.model_dump(**options).items()}

    def json(self, *, indent: Optional[int] = None, **options: Any) -> str:
        """The same as JSON text; functions, pools and other objects as their `str()`."""
        return json.dumps(self.dict(**options), ensure_ascii=False, indent=indent, default=str)

    def get_str_dict(self) -> Values:
        """The fields by documented name, everything that JSON cannot carry as its `str()`."""
        plain: Values = json.loads(self.json())
        return plain

    def json_str_value(self) -> str:
        """`get_str_dict` as JSON text."""
        return self.json()

    def json_pre(self) -> str:
        """`get_str_dict` as indented JSON text, for reading."""
        return self.json(indent=4)

    # -- updates ------------------------------------------------------------------------------------------------------

    def update_from_dict(self, values: Mapping[str, Any]) -> Self:
        """Set fields, checked as in the constructor; returns itself.

        Raises:
            ConfigError: a value does not fit, or there is no such field; nothing has been changed then.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        checked = type(self)(**{**given, **self._ours(values)})
        vars(self).update(vars(checked))
        self.model_fields_set.update(checked.model_fields_set)
        return self

    def update_from_kwargs(self, **values: Any) -> Self:
        """`update_from_dict` with keywords."""
        return self.update_from_dict(values)

    def update_from_model(self, model: BaseModel) -> Self:
        """`update_from_dict` with the fields that were set on another model."""
        return self.update_from_dict({name: getattr(model, name) for name in model.model_fields_set})

    # -- inside -------------------------------------------------------------------------------------------------------

    @classmethod
    def _ours(cls, values: Mapping[str, Any]) -> Values:
        return {cls.spellings.get(name, name): value for name, value in values.items()}

    @classmethod
    def _documented(cls, name: str) -> str:
        theirs = DOCUMENTED.get(name, name)
        return theirs if theirs in cls.spellings else name


def _readable(model: type[BaseJsonAbleModel], error: ValidationError, given: Mapping[str, Any]) -> str:
    spelt = {ours: theirs for theirs, ours in model.spellings.items() if theirs in given}
    problems: list[str] = []
    for problem in error.errors(include_url=False):
        where = [str(part) for part in problem["loc"]]
        text = problem["msg"].replace("Value error, ", "")
        if where:
            where[0] = spelt.get(where[0], where[0])
            shown = "" if problem["type"] == "missing" else f"={problem['input']!r}"
            text = f"{'.'.join(where)}{shown}: {text}"
        problems.append(text)
    queue = f" of queue {given['queue_name']!r}" if "queue_name" in given else ""
    return f"{model.__name__}{queue}: " + "; ".join(problems)
