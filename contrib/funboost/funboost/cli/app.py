"""The command line: options that all commands share, and the commands."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

import click

from .. import __version__
from .argv import command_name
from .session import Session

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """
Options come before the command. Several commands may follow each other, separated by a single dash:
funboost clear a b - push a 1 --y=2. What is pushed is read as JSON, else as a Python literal, else as text.
Exit codes: 0 done, 1 it failed, 2 the command or the configuration is wrong.
"""


_ORDER = (
    "init run consume consume_all m_consume m_consume_all push publish show_all_queues clear pause continue_consume "
    "redrive deploy doctor config plugins brokers start_web completion"
).split()


class Commands(click.Group):
    """Commands also under their other names; the help has them in the order of their use."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add one under its function's name: click would write dashes."""
        cmd.name = command_name(name or cmd.name or "")
        super().add_command(cmd)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        return super().get_command(ctx, command_name(cmd_name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names for the help."""
        return sorted(self.commands, key=_ORDER.index)


def json_option(function: F) -> F:
    """``--json`` after the command, too."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    invoke_without_command=False,
)
@click.option("--project_root_path", metavar="DIR", help="The project's folder; the current one by default.")
@click.option("--import_modules_str", metavar="A.B,C", help="Modules that define tasks, separated by commas.")
@click.option(
    "--booster_dirs_str", metavar="DIR,DIR", help="Folders, in the project's, all of whose modules are imported."
)
@click.option("--max_depth", default=1, show_default=True, help="How many levels of folders below each of them.")
@click.option("--py_file_re_str", metavar="REGEX", help="Of these, only files whose path matches.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="funboost")
@click.pass_context
def app(context: click.Context, /, as_json: bool, debug: bool, **options: Any) -> None:
    """Publish, consume and look after the tasks of a project."""
    session = context.ensure_object(Session)
    session.debug = debug
    session.begin(**options)


def install() -> None:
    """Import the modules that add commands, in the order of the help."""
    from . import deploying, doctor, inspecting, setup, tasks, working  # noqa: F401
