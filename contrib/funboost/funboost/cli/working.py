"""Commands that consume until they are stopped."""

from __future__ import annotations

import click

from ..managers import BoostersManager
from . import values
from .app import app
from .session import Session
from .tasks import QUEUES, RAW


@app.command()
@QUEUES
@click.pass_obj
def consume(session: Session, queues: tuple[str, ...]) -> None:
    """Consume queues in this process until Ctrl-C."""
    session.load().consume(*queues)


@app.command(context_settings=RAW)
@click.argument("numbers", nargs=-1, type=click.UNPROCESSED, metavar="--QUEUE=NUMBER...")
@click.pass_context
def m_consume(context: click.Context, numbers: tuple[str, ...]) -> None:
    """Consume queues in several processes.

    m_consume --q1=2 --q2=3 starts two processes for q1 and three for q2.
    """
    if not numbers or "--help" in numbers:
        click.echo(context.get_help())
        return
    context.obj.load().m_consume(**values.process_numbers(numbers))


@app.command()
@click.pass_obj
def consume_all(session: Session) -> None:
    """Consume all queues in this process until Ctrl-C."""
    session.load().consume_all()


@app.command()
@click.argument("process_num", type=click.IntRange(1), default=1)
@click.pass_obj
def m_consume_all(session: Session, process_num: int) -> None:
    """Consume each queue in PROCESS_NUM processes."""
    session.load().m_consume_all(process_num)


@app.command()
@click.argument("modules", nargs=-1)
@click.option("--queues", metavar="Q,Q", help="Only these queues.")
@click.option("--processes", type=click.IntRange(1), help="Child processes for each queue; none by default.")
@click.option("--reload", is_flag=True, help="Begin anew when a Python file of the project changes; for development.")
@click.pass_obj
def run(session: Session, modules: tuple[str, ...], queues: str | None, processes: int | None, reload: bool) -> None:
    """Import MODULES and consume what they define.

    By name or file: run tasks, or run jobs/tasks.py --reload.
    """
    if reload:
        from .reloading import watch

        watch(session.root)
        return
    from .session import load, module_of

    fire = session.load()
    load(",".join(module_of(each, session.root) for each in modules))
    named = [queue.strip() for queue in queues.split(",")] if queues else BoostersManager.get_all_queues()
    if not named:
        raise click.UsageError("No task is known: name the modules that define tasks.")
    click.echo(f"consuming {', '.join(named)}; Ctrl-C ends it", err=True)
    if processes:
        fire.m_consume(**dict.fromkeys(named, processes))
    else:
        fire.consume(*named)
