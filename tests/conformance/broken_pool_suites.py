"""The pool suite over each broken one.  Not collected by itself: `test_broken_pools.py` runs it."""

from __future__ import annotations

import sys

from broken_pools import BROKEN
from funboost_testing.pools import PoolSuite

for name, cls in BROKEN.items():
    vars(sys.modules[__name__])[f"Test{name}"] = type(
        f"Test{name}",
        (PoolSuite,),
        {
            "kind": name,
            "broken": cls,
            "runs": cls.runs,
            "plugins": ("broken_pools",),
            "patience": 1.5,
            "__module__": __name__,
        },
    )
