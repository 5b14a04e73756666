"""A task that child processes find by the name of this module; queues in the folder that the environment names."""

from __future__ import annotations

import os

from funboost import BoosterParams, boost, defaults

from funboost_core.environment import Environment


def environment(folder):
    made = Environment({"STATE_URL": "memory://", "DATA_DIR": str(folder)})
    defaults.apply(made)
    return made


def add(x): ...


def declare(program):
    return boost(BoosterParams(queue_name="mass", broker_kind="SQLITE_QUEUE"), environment=program)(add)


if "MASS_PUBLISHED_FOLDER" in os.environ:  # in a child
    declared = declare(environment(os.environ["MASS_PUBLISHED_FOLDER"]))
