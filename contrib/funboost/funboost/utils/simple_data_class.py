"""Classes whose attributes are values: the base of the classes in `funboost_config.py`."""

from __future__ import annotations

import json
from typing import Any

from funboost_core.settings import hide


class DataClassMeta(type):
    """Attributes also by ``Class["NAME"]``; secrets are hidden when the class is shown."""

    def __getitem__(cls, name: str) -> Any:
        try:
            return getattr(cls, name)
        except AttributeError as error:
            raise KeyError(str(error)) from None


class DataClassBase(metaclass=DataClassMeta):
    """Class attributes are fields.

    Example::

        class BrokerConnConfig(DataClassBase):
            REDIS_HOST = "192.168.0.1"

        BrokerConnConfig().get_dict()["REDIS_HOST"]
    """

    @classmethod
    def get_dict(cls) -> dict[str, Any]:
        """All fields and their values; secrets too: do not show it."""
        names: dict[str, None] = {}
        for base in reversed(cls.__mro__):
            found = {**getattr(base, "__annotations__", {}), **vars(base)}
            names.update((name, None) for name in found if name.isupper() and not name.startswith("_"))
        return {name: getattr(cls, name) for name in names}

    @classmethod
    def get_json(cls) -> str:
        """`get_dict` as JSON text; secrets too."""
        return json.dumps(cls.get_dict(), ensure_ascii=False, indent=4, default=str)

    @classmethod
    def get_pwd_enc_json(cls) -> str:
        """`get_json` with secrets, and passwords in URLs, replaced."""
        return json.dumps(_hidden(cls), ensure_ascii=False, indent=4, default=str)

    @classmethod
    def update_cls_attribute(cls, **values: Any) -> type[DataClassBase]:
        """Set fields; returns the class.

        Example::

            BrokerConnConfig.update_cls_attribute(REDIS_HOST="192.168.0.2")
        """
        for name, value in values.items():
            setattr(cls, name, value)
        return cls

    def __getitem__(self, name: str) -> Any:
        """``config["REDIS_HOST"]``."""
        return type(self)[name]

    def __getattr__(self, name: str) -> Any:
        """What the class has (asked when the instance has none)."""
        return getattr(type(self), name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_hidden(type(self))})"


def _hidden(cls: type[DataClassBase]) -> dict[str, Any]:
    return {name: hide(name, value) for name, value in cls.get_dict().items()}
