"""``python -m funboost_testing services …``."""

from __future__ import annotations

import sys

from .services.cli import main

sys.exit(main(sys.argv[1:]))
