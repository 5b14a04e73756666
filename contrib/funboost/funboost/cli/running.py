"""From words to exit code: errors are said in one line, without secrets."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from funboost_core.errors import ConfigError, FunboostError, SignatureError, text_of

from .app import app, install
from .argv import split
from .output import without_secrets
from .session import Session

NAME = "funboost"
COMPLETE = "_FUNBOOST_COMPLETE"
FAILED, WRONG, INTERRUPTED = 1, 2, 130


def run(argv: Sequence[str] | None = None) -> int:
    """Run all commands of a line, the next only after the one before has succeeded; the exit code."""
    install()
    words = list(sys.argv[1:] if argv is None else argv)
    if COMPLETE in os.environ:
        app.main(words, prog_name=NAME, complete_var=COMPLETE)
    options, chain = split(words, list(app.commands))
    session = Session()
    for command in chain or [["--help"]]:
        code = _run(session, [*options, *command])
        if code:
            return code
    return 0


def _run(session: Session, words: list[str]) -> int:
    try:
        returned = app.main(words, prog_name=_name(), standalone_mode=False, obj=session)
    except click.ClickException as error:
        return _tell(words, error.format_message(), type(error).__name__, error.exit_code, _usage(error))
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if session.debug:
            import traceback

            click.echo(without_secrets(traceback.format_exc()), err=True)
        wrong = isinstance(error, (ConfigError, SignatureError))
        text = text_of(error) if isinstance(error, FunboostError) else f"{type(error).__name__}: {text_of(error)}"
        return _tell(words, text, type(error).__name__, WRONG if wrong else FAILED)
    return returned if isinstance(returned, int) else 0


def _name() -> str:
    program = os.path.basename(sys.argv[0] or NAME)
    return f"python {program}" if program == "funboost_cli_user.py" else NAME


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.get_usage()}\n" if context is not None else ""


def _tell(words: list[str], text: str, kind: str, code: int, usage: str = "") -> int:
    if "--json" in words:
        click.echo(without_secrets(json.dumps({"error": text, "type": kind})), err=True)
    else:
        click.echo(f"{usage}{NAME}: {without_secrets(text)}", err=True)
    return code
