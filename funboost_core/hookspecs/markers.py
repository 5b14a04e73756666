"""The markers of the project's hooks."""

from __future__ import annotations

import pluggy

PROJECT = "funboost"
hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker(PROJECT)
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker(PROJECT)
