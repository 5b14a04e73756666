"""Commands that look: plugins, brokers, settings."""

from __future__ import annotations

from typing import Any

import click

from funboost_core.environment import default
from funboost_core.errors import ConfigError, text_of
from funboost_core.ports.capability import Capability

from .. import config_file
from .app import app, json_option
from .output import cell, rows, show, table

ROOMS = ("brokers", "pools", "stores", "schedulers", "hooks")


@app.command()
@json_option
def plugins(as_json: bool) -> None:
    """List the plugins that are installed."""
    rows(installed())


def installed() -> list[dict[str, Any]]:
    """One row a plugin."""
    environment = default()
    acting = {name.strip().casefold() for name in str(environment("HOOKS") or "").split(",")}
    found: list[dict[str, Any]] = []
    for room in ROOMS:
        for key, entry in sorted(environment.catalog.installed(room).items()):
            state = "off: not in the setting HOOKS" if room == "hooks" and key not in acting else "ready"
            if environment.manager.is_blocked(entry.value):
                state = "kept out by the setting DISABLE_PLUGINS"
            dist: Any = getattr(entry, "dist", None)
            about = (
                {"distribution": dist.name, "version": dist.version} if dist else {"distribution": "", "version": ""}
            )
            found.append({"room": room, "name": entry.name, **about, "state": state})
    return found


@app.command()
@click.argument("kind", required=False)
@json_option
def brokers(kind: str | None, as_json: bool) -> None:
    """List the installed brokers and what they can do.

    With KIND: that one and its options.
    """
    catalog = default().catalog
    if kind is not None:
        _one_broker(catalog.find("brokers", kind))
        return
    found: list[dict[str, Any]] = []
    for name in catalog.kinds("brokers"):
        try:
            spec = catalog.find("brokers", name)
        except ConfigError as error:
            found.append({"kind": name, "summary": text_of(error), "capabilities": []})
        else:
            found.append({"kind": spec.kind, "summary": spec.summary, "capabilities": _names(spec.capabilities)})
    rows(found)


def _one_broker(spec: Any) -> None:
    from funboost_core.records import resolve

    options: Any = resolve(spec.options) if spec.options is not None else None
    fields = [
        {
            "option": field.alias or name,
            "default": field.get_default(call_default_factory=True),
            "meaning": field.description,
        }
        for name, field in (options.model_fields.items() if options is not None else ())
    ]
    data = {"kind": spec.kind, "summary": spec.summary, "capabilities": _names(spec.capabilities), "options": fields}
    text = f"{spec.kind}: {spec.summary}\n{cell(data['capabilities'])}"
    show(data, f"{text}\n\n{table(fields)}" if fields else text)


def _names(capabilities: Capability) -> list[str]:
    return [str(flag.name) for flag in Capability if flag in capabilities]


@app.command()
@click.argument("names", nargs=-1)
@click.option("--changed", is_flag=True, help="Only what somebody has set.")
@json_option
def config(names: tuple[str, ...], changed: bool, as_json: bool) -> None:
    """Show the effective settings and their sources.

    All, or those of NAMES; secrets are hidden.
    """
    environment = default()
    effective = environment.settings.effective()
    unknown = [name for name in names if name not in effective]
    if unknown:
        raise ConfigError(f"Nothing sets {', '.join(unknown)}. Without a name the command lists all settings.")
    chosen = [
        {"setting": name, "value": value, "source": source}
        for name, (value, source) in effective.items()
        if (not names or name in names) and not (changed and source == "default")
    ]
    where = {"file": config_file.path() or None, "data_folder": str(environment.data_path())}
    about = f"file: {where['file'] or 'none'}\ndata folder: {where['data_folder']}\n\n"
    show({**where, "settings": chosen}, about + table(chosen) if chosen else about)
