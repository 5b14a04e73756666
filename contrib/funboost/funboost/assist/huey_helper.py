"""Starting Huey's workers for all tasks whose broker is HUEY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..aliases import HueySpellings
from ..keep_alive import ctrl_c_recv
from ..managers import BoostersManager

if TYPE_CHECKING:
    from ..booster import Booster

KIND = "HUEY"


class HueyHelper(HueySpellings):
    """Works off every task of this process whose broker is HUEY; `consume()` on each of them does the same.

    Example::

        if __name__ == "__main__":
            f1.push(1, 2)
            HueyHelper.really_start_huey_consume()  # blocks
    """

    @classmethod
    def really_start_huey_consume(cls) -> None:
        """Start the workers and block as `ctrl_c_recv` does."""
        for booster in cls._boosters():
            booster.consume()
        ctrl_c_recv()

    @staticmethod
    def _boosters() -> list[Booster[..., object, object]]:
        boosters = map(BoostersManager.get_booster, BoostersManager.get_all_queues())
        return [booster for booster in boosters if booster.boost_params.broker_kind == KIND]
