"""`doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import click

import funboost_core
from funboost_core.environment import Environment, default
from funboost_core.errors import FunboostError, UnknownKind, text_of
from funboost_core.payloads.keyring import Keyring
from funboost_core.ports.capability import Capability

from .. import __version__, config_file, defaults
from ..managers import BoostersManager
from . import servers
from .app import app, json_option
from .inspecting import ROOMS
from .output import rows
from .session import Session

OK, WARNING, FAILED = "ok", "warning", "FAILED"
_CONFIGURABLE = {*defaults.DEFAULTS, "SECRET_KEY", "DATA_DIR", "PROJECT_ROOT"}


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    state: str
    detail: str

    def row(self) -> dict[str, str]:
        """For output."""
        return self._asdict()


@app.command()
@json_option
@click.pass_obj
def doctor(session: Session, as_json: bool) -> int:
    """Check what works, and say how to mend the rest.

    Looks at configuration, plugins, state, keys, the brokers of the tasks that are known, and servers. Exit code 1 if something that is needed does not work.
    """
    session.load()
    environment = default()
    found = [
        Finding(
            "versions",
            OK,
            f"funboost {__version__}, core {funboost_core.__version__}, Python {platform.python_version()}",
        ),
        *configuration(environment),
        *plugins(environment),
        *state(environment),
        keys(environment),
        *tasks(),
        *reach(environment),
    ]
    rows([finding.row() for finding in found])
    return int(any(finding.state == FAILED for finding in found))


def configuration(environment: Environment) -> Iterator[Finding]:
    """The file, settings that look misspelt, the data folder."""
    path = config_file.path()
    if not path:
        yield Finding("configuration", OK, "no funboost_config.py on sys.path; funboost init writes one")
    elif os.name == "posix" and config_file.values().get("SECRET_KEY") and Path(path).stat().st_mode & 0o077:
        yield Finding("configuration", WARNING, f"{path} has SECRET_KEY and others may read it: chmod 600 {path}")
    else:
        yield Finding("configuration", OK, path)
    for name in config_file.values():
        near = get_close_matches(name, _CONFIGURABLE, 1, 0.85)
        if near and near[0] != name and name not in _CONFIGURABLE:
            yield Finding("configuration", WARNING, f"{path} sets {name}; is {near[0]} meant?")
    folder = environment.data_path()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    usable = existing.is_dir() and os.access(existing, os.W_OK)
    fix = "" if usable else " cannot be written: set DATA_DIR to a folder that can"
    yield Finding("data folder", OK if usable else FAILED, f"{folder}{fix}")


def plugins(environment: Environment) -> Iterator[Finding]:
    """Whether all that are installed load."""
    good = 0
    for room in ROOMS:
        for entry in environment.catalog.installed(room).values():
            try:
                entry.load()
                good += 1
            except Exception as error:
                yield Finding(
                    f"plugin {entry.name}", FAILED, f"{entry.value}: {type(error).__name__}: {text_of(error)}"
                )
    yield Finding("plugins", OK, f"{good} load")


def state(environment: Environment) -> Iterator[Finding]:
    """Each backend of the state, by asking it something."""
    name = "funboost-doctor"
    questions: dict[str, Any] = {
        "replies": lambda state: state.replies.get(name, 0),
        "history": lambda state: state.history.get(name),
        "filter": lambda state: state.filter.release(name, name, name),
        "parking": lambda state: state.parking.count(name),
        "coordinator": lambda state: state.coordinator.flags(name),
    }
    parts: dict[str, list[str]] = {}
    for part in questions:
        parts.setdefault(environment.state.where(part), []).append(part)
    for where, served in parts.items():
        what = f"state ({', '.join(served)})" if len(parts) > 1 else "state"
        yield _try(what, where or "nowhere", [lambda part=part: questions[part](environment.state) for part in served])


def keys(environment: Environment) -> Finding:
    """Fingerprints of the keys; hosts that share queues must show the same."""
    try:
        ids = Keyring(environment).ids()
    except FunboostError as error:
        return Finding("keys", FAILED, text_of(error))
    origin = environment.settings.origin("SECRET_KEY")
    if origin:
        return Finding("keys", OK, f"{' '.join(ids)} ({origin})")
    text = f"{' '.join(ids)} (made for this host)" if ids else "none yet: one is made for this host when it is needed"
    return Finding("keys", OK, f"{text}; set SECRET_KEY to share queues with other hosts")


def tasks() -> Iterator[Finding]:
    """The broker of each task that is known, by counting its messages."""
    for queue in sorted(BoostersManager.get_all_queues()):
        booster = BoostersManager.get_booster(queue)
        try:
            spec = booster.task.spec
            count = Capability.COUNT in spec.capabilities
            waiting = f"{booster.get_message_count()} waiting" if count else "cannot count its messages"
        except UnknownKind as error:
            yield Finding(f"queue {queue}", FAILED, text_of(error))
        except Exception as error:
            kind = booster.boost_params.broker_kind
            yield Finding(f"queue {queue}", FAILED, f"{kind}: {type(error).__name__}: {text_of(error)}")
        else:
            yield Finding(f"queue {queue}", OK, f"{spec.kind}: {waiting}")


def reach(environment: Environment) -> Iterator[Finding]:
    """The servers that settings or tasks name: does somebody accept connections there, and is there a plugin?"""
    settings = environment.settings
    boosters = [BoostersManager.get_booster(queue) for queue in BoostersManager.get_all_queues()]
    kinds = [str(booster.boost_params.broker_kind) for booster in boosters]
    for server, used in servers.configured(environment, [*kinds, str(settings("BROKER_KIND") or "")]):
        for host, port in servers.addresses(server, settings):
            trouble = servers.answers(host, port)
            fix = f"{trouble}; check that it runs and that {server.prefix}* point to it" if trouble else "answers"
            bad = FAILED if used else WARNING
            yield Finding(server.name, bad if trouble else OK, f"{host}:{port} {fix}")
    for extra in servers.extras_to_install(environment):
        fix = f"pip install 'funboost[{extra}]'"
        yield Finding(f"{extra.upper()}_*", WARNING, f"set, and no broker that reads it is installed: {fix}")


def _try(what: str, where: str, actions: Iterable[Any]) -> Finding:
    try:
        for action in actions:
            action()
    except Exception as error:
        return Finding(what, FAILED, f"{where}: {type(error).__name__}: {text_of(error)}")
    return Finding(what, OK, where)
