"""A virtual environment for each peer, for their requirements exclude each other: ``python install_peers.py FOLDER``.

The benchmark finds them there by ``FUNBOOST_BENCH_PEERS=FOLDER``.  Never dependencies of ours.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

NEEDS = {
    "celery": ["celery[redis]", "hiredis"],
    "dramatiq": ["dramatiq[redis]", "hiredis"],
    "rq": ["rq", "hiredis"],
    "huey-redis": ["huey", "redis", "hiredis"],
    "arq": ["arq", "hiredis"],
    "taskiq": ["taskiq", "taskiq-redis", "hiredis"],
    "saq": ["saq[redis]", "hiredis", "typing_extensions"],  # which it imports and does not declare
}


def main() -> None:
    for name, needs in NEEDS.items():
        place = Path(sys.argv[1], name)
        if not place.exists():
            venv.create(place, with_pip=True)
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        subprocess.run([python, "-m", "pip", "install", "-q", "--upgrade", *needs], check=True)


if __name__ == "__main__":
    main()
