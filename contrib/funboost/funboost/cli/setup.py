"""Commands that set a project up."""

from __future__ import annotations

from importlib import import_module

import click

from funboost_core.errors import ConfigError

from ..configuration import generate
from .app import app, json_option
from .output import show
from .session import Session


@app.command()
@click.option("--nb_log", is_flag=True, help="Also write nb_log_config.py.")
@json_option
@click.pass_obj
def init(session: Session, nb_log: bool, as_json: bool) -> None:
    """Write the configuration files of a project.

    These are funboost_config.py and funboost_cli_user.py, in the project's folder; nothing is overwritten.
    """
    root = session.root
    try:
        written = generate.write(root, nb_log=nb_log)
    except OSError as error:
        raise ConfigError(f"{root} cannot be written: {error}. Choose a folder with --project_root_path=DIR.") from None
    names = [generate.CONFIG, generate.CLI, *([generate.NB_LOG] if nb_log else [])]
    files = [{"file": str(root / name), "written": root / name in written} for name in names]
    texts = [f"{each['file']}: {'written' if each['written'] else 'is there already'}" for each in files]
    show(files, "\n".join([*texts, f"Scripts find them with PYTHONPATH={root}, or when they are in that folder."]))


@app.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print code for the shell that completes commands.

    eval "$(funboost completion bash)" switches it on for commands and options.
    """
    from click.shell_completion import get_completion_class

    from .running import COMPLETE, NAME

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(app, {}, NAME, COMPLETE).source())


@app.command()
@click.pass_obj
def start_web(session: Session) -> None:
    """Start the web manager."""
    try:
        manager = import_module("funboost.function_result_web.app")
    except ModuleNotFoundError as error:
        raise ConfigError(f"The web manager is not part of this version yet ({error}).") from None
    session.load()
    manager.start_funboost_web_manager(block=True)
