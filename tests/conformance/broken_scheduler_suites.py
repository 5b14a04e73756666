"""The scheduler suite over each broken one.  Not collected by itself: `test_broken_schedulers.py` runs it."""

from __future__ import annotations

import sys

from broken_schedulers import BROKEN
from funboost_testing.schedulers import SchedulerSuite

for name, cls in BROKEN.items():
    vars(sys.modules[__name__])[f"Test{name}"] = type(
        f"Test{name}",
        (SchedulerSuite,),
        {
            "kind": name,
            "broken": cls,
            "store": "sqlite",
            "persistent": True,
            "plugins": ("broken_schedulers",),
            "patience": 3.0,
            "__module__": __name__,
        },
    )
