"""What an object says about how it was made, so that consumers can make it again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

__all__ = ["ClsHelper"]


class ClsHelper:
    """Helps classes whose methods are tasks."""

    @staticmethod
    def get_obj_init_params_for_funboost(obj_init_params: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of ``__init__``, from its ``locals()``: a deep copy of all but `self`.

        Example::

            class Report:
                def __init__(self, year):
                    self.obj_init_params = ClsHelper.get_obj_init_params_for_funboost(copy.copy(locals()))
                    self.year = year
        """
        return {
            name: copy.deepcopy(value)
            for name, value in obj_init_params.items()
            if name not in ("self", "__class__")  # the second is there where __init__ calls super()
        }
