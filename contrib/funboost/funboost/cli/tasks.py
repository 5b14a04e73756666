"""Commands on queues."""

from __future__ import annotations

from typing import Any

import click

from funboost_core import Capability

from ..managers import BoostersManager
from . import values
from .app import app, json_option
from .output import rows, show
from .session import Session

RAW: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""What follows the queue's name belongs to the task."""
QUEUES = click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")


@app.command()
@click.option("--count", is_flag=True, help="Count the messages that wait; this asks the brokers.")
@json_option
@click.pass_obj
def show_all_queues(session: Session, count: bool, as_json: bool) -> None:
    """List the queues, their brokers and their functions."""
    session.load()
    found: list[dict[str, Any]] = []
    for queue in sorted(BoostersManager.get_all_queues()):
        booster = BoostersManager.get_booster(queue)
        function: Any = booster.consuming_function
        row = {
            "queue": queue,
            "broker": booster.task.spec.kind,
            "mode": booster.task.pool_spec.kind,
            "function": f"{function.__module__}.{function.__qualname__}",
        }
        found.append({**row, "waiting": booster.get_message_count()} if count else row)
    rows(
        found, "No task is known. Say where tasks are: --import_modules_str or --booster_dirs_str, before the command."
    )


@app.command()
@QUEUES
@json_option
@click.pass_obj
def clear(session: Session, queues: tuple[str, ...], as_json: bool) -> None:
    """Remove the messages that wait in queues."""
    session.load().clear(*queues)
    show([{"queue": queue, "cleared": True} for queue in queues], "\n".join(f"{queue}: cleared" for queue in queues))


@app.command(context_settings=RAW)
@click.argument("queue")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def push(context: click.Context, queue: str, arguments: tuple[str, ...]) -> None:
    """Publish a call of a queue's function.

    push QUEUE 1 --y=2 calls it with (1, y=2).

    Values are JSON, else Python literals, else text; '"1"' is the text 1. After -- all values are positional.
    """
    if "--help" in arguments:
        click.echo(context.get_help())
        return
    context.obj.load()
    args, named = values.call_arguments(arguments)
    _tell(queue, BoostersManager.push(queue, *args, **named).task_id)


@app.command()
@click.argument("queue")
@click.argument("message")
@json_option
@click.pass_obj
def publish(session: Session, queue: str, message: str, as_json: bool) -> None:
    """Publish a message, a dict by argument names.

    For example: publish QUEUE "{'x': 3, 'y': 4}".
    """
    session.load()
    _tell(queue, BoostersManager.publish(queue, values.message(message)).task_id)


def _tell(queue: str, task_id: str) -> None:
    show({"queue": queue, "task_id": task_id}, f"{queue}: published {task_id}")
    task = BoostersManager.get_booster(queue).task
    if Capability.CROSS_PROCESS not in task.capabilities:
        click.echo(
            f"{queue}: {task.spec.kind} keeps messages in the process that publishes them. This one is gone when the "
            "command ends, unless a later command of this line consumes it: push within the program that consumes, or "
            "give the queue another broker_kind.",
            err=True,
        )


@app.command()
@QUEUES
@json_option
@click.pass_obj
def pause(session: Session, queues: tuple[str, ...], as_json: bool) -> None:
    """Let consumers start no more messages.

    On no host, until continue_consume.
    """
    session.load().pause(*queues)
    show([{"queue": queue, "paused": True} for queue in queues], "\n".join(f"{queue}: paused" for queue in queues))


@app.command()
@QUEUES
@json_option
@click.pass_obj
def continue_consume(session: Session, queues: tuple[str, ...], as_json: bool) -> None:
    """Undo pause."""
    session.load().continue_consume(*queues)
    show([{"queue": queue, "paused": False} for queue in queues], "\n".join(f"{queue}: goes on" for queue in queues))


@app.command()
@click.argument("queue")
@click.option("--broker_kind", help="Its broker; that of the task, or the setting BROKER_KIND, by default.")
@click.option("--limit", type=click.IntRange(1), help="Move at most so many.")
@click.option("--reason", metavar="TEXT", help="Only those in whose reason or error this text occurs.")
@click.option("--dry_run", "--dry-run", is_flag=True, help="Move none, only count.")
@json_option
@click.pass_obj
def redrive(session: Session, /, queue: str, as_json: bool, **options: Any) -> None:
    """Move dead letters back to work.

    Those of QUEUE_dlx go into QUEUE, with a fresh set of attempts.
    """
    from funboost_core.redrive import redrive as move

    session.load()
    moved = move(queue, options.pop("broker_kind"), **options)
    done = "would be moved" if options["dry_run"] else "moved"
    lines = [f"{queue}: {int(moved)} {done}", *(f"  {number}  {reason}" for reason, number in moved.reasons.items())]
    show(
        {
            "queue": queue,
            "moved": 0 if options["dry_run"] else int(moved),
            "found": int(moved),
            "reasons": moved.reasons,
        },
        "\n".join(lines),
    )
