"""The command that starts a task on another machine."""

from __future__ import annotations

import dataclasses
import io
import re
from contextlib import nullcontext, redirect_stdout

import click

from ..managers import BoostersManager
from .app import app, json_option
from .output import show
from .session import Session

_WHERE = re.compile(r"(?P<user>[^@:]+)@(?P<host>\[[^]]+\]|[^@:]+)(:(?P<port>[0-9]+))?")


@app.command()
@click.argument("queue")
@click.argument("where", metavar="USER@HOST[:PORT]")
@click.option("--process_num", type=click.IntRange(1), default=1, show_default=True, help="Processes that consume.")
@click.option("--pkey_file_path", metavar="FILE", help="The private key; the agent's and those in ~/.ssh by default.")
@click.option("--ask_password", is_flag=True, help="Ask for the password; it is tried when no key is accepted.")
@click.option("--accept_new_host_key", is_flag=True, help="Trust a host that ~/.ssh/known_hosts does not have.")
@click.option("--python_interpreter", default="python3", show_default=True, help="A name or a path, there.")
@click.option("--remote_folder", metavar="DIR", help="Instead of /home/USER/codes/PROJECT (/codes/PROJECT for root).")
@click.option("--extra_shell_str", default="", metavar="TEXT", help="Shell text that is run there before the start.")
@click.option("--dry_run", is_flag=True, help="Print what would be uploaded and run; change nothing.")
@json_option
@click.pass_obj
def deploy(
    session: Session,
    queue: str,
    where: str,
    process_num: int,
    pkey_file_path: str | None,
    ask_password: bool,
    accept_new_host_key: bool,
    python_interpreter: str,
    remote_folder: str | None,
    extra_shell_str: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Upload the project, consume QUEUE elsewhere.

    deploy add me@10.0.0.5 --process_num=2 --dry_run

    The other machine runs Linux and an SSH server. Earlier runs of the queue there end first. What is started goes on when this command has ended.
    """
    found = _WHERE.fullmatch(where)
    if not found:
        raise click.BadParameter(f"{where!r} is not of the form USER@HOST or USER@HOST:PORT.", param_hint="where")
    session.load()
    with redirect_stdout(io.StringIO()) if dry_run else nullcontext():  # the plan is printed below
        deployment = BoostersManager.get_booster(queue).fabric_deploy(
            found["host"].strip("[]"),
            int(found["port"] or 22),
            found["user"],
            click.prompt("Password", hide_input=True, err=True) if ask_password else None,
            extra_shell_str=extra_shell_str,
            invoke_runner_kwargs={"pty": False},
            python_interpreter=python_interpreter,
            process_num=process_num,
            pkey_file_path=pkey_file_path,
            remote_folder=remote_folder,
            project_root=session.root,
            accept_new_host_key=accept_new_host_key,
            dry_run=dry_run,
        )
    if deployment.plan and dry_run:
        show(dataclasses.asdict(deployment.plan), str(deployment.plan))
    else:
        run = deployment.result()
        told = {"queue": queue, "host": run.host, "pid": run.pid, "log": run.log, "uploaded": run.uploaded}
        show(
            told, f"{queue}: {len(run.uploaded)} files uploaded, runs on {run.host} as process {run.pid}, log {run.log}"
        )
