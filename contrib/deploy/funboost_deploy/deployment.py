"""One deployment: plan, upload, start, and what becomes of it."""

from __future__ import annotations

import logging
import os
import posixpath
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funboost_core import bootstrap

from . import remote, script, uploading
from .connecting import Target, connected
from .errors import DeployError
from .files import Rules, scan
from .options import Options
from .plan import Plan
from .project import Place, place_of

if TYPE_CHECKING:
    from paramiko import SSHClient

logger: logging.Logger = logging.getLogger("funboost.deploy")

_uploads: dict[tuple[str, int, str], Any] = {}
"""A lock for each folder of each machine: what two tasks share is uploaded once."""


@dataclass(frozen=True)
class Run:
    """What has been started.

    `pid` is the process that supervises the others, `log` the file with their output, both on the other machine;
    `uploaded` names the files that had changed.
    """

    host: str
    pid: int
    log: str
    uploaded: tuple[str, ...]


class Deployment:
    """A deployment that is under way on a thread of its own; made by `deploy`.

    Example::

        deployment = add.fabric_deploy("10.0.0.5", 22, "me", pkey_file_path="~/.ssh/id_ed25519")
        print(deployment.result(60).log)  # raises DeployError if it has failed
    """

    def __init__(self, target: Target, queue: str, place: Place, rules: Rules, options: Options) -> None:
        self.target = target
        self.queue = queue
        self.plan: Plan | None = None
        """What is done, once it is known."""
        self._place, self._rules, self._options = place, rules, options
        self._folder = options.remote_folder or _default_folder(target.user, place.root.name)
        uploading.check_remote(self._folder)
        self._run: Run | None = None
        self._code: int | None = None
        self._error: BaseException | None = None
        self._settled, self._ended = threading.Event(), threading.Event()
        self._waiting = 0
        # not a daemon: what is attached lives as long as this program, and this program as long as that
        self._thread = threading.Thread(target=self._work, name=f"funboost-deploy-{queue}")

    def __repr__(self) -> str:
        state = "failed" if self._error else "running" if self._run else "done" if self._ended.is_set() else "under way"
        return f"<Deployment of {self.queue!r} to {self.target}: {state}>"

    # -- for those who wait -----------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> Run:
        """What has been started, once it has been seen running.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            DeployError: it has failed; the subclass and the text say how.
            TimeoutError: it is still under way.
        """
        if not self._wait(self._settled, timeout):
            raise TimeoutError(f"The deployment to {self.target} is still under way after {timeout} s.")
        if self._run is not None:
            return self._run
        raise self._error or DeployError("Nothing has been started: this was a dry run, or the import of a child.")

    def join(self, timeout: float | None = None) -> int | None:
        """Wait until this program has nothing to do with it any more; the exit code, None where it is not known.

        With ``pty=True`` that is when what was started has ended, otherwise when it has been started.

        Raises:
            DeployError: it has failed.
            TimeoutError: it goes on.
        """
        if not self._wait(self._ended, timeout):
            raise TimeoutError(f"What was deployed to {self.target} goes on after {timeout} s.")
        if self._error is not None:
            raise self._error
        return self._code

    def _wait(self, event: threading.Event, timeout: float | None) -> bool:
        self._waiting += 1
        try:
            return event.wait(timeout)
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """End what runs there with the mark of this queue: by SIGTERM, and SIGKILL after `stop_seconds`.

        Raises:
            DeployError: the machine cannot be reached.
        """
        with connected(self.target) as client:
            remote.run(client, self.target.host, script.ending(self.queue, self._options.stop_seconds))

    # -- the work ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; called by `deploy`."""
        self._thread.start()

    def _work(self) -> None:
        try:
            with connected(self.target) as client:
                uploaded = self._upload(client)
                started = remote.start(client, self.target.host, self._script(self._options.environment), self._show)
                self._run = Run(self.target.host, started.pid, posixpath.join(self._folder, self._log), uploaded)
                self._settled.set()
                logger.info("queue %s runs on %s, process %s", self.queue, self.target.host, started.pid)
                if self._options.attached:
                    self._code = started.wait()
        except Exception as error:
            mild = self._options.warn and self._run is not None
            self._error = None if mild else error
            if mild or not self._waiting:  # who waits is told by the exception
                level = logging.WARNING if mild else logging.ERROR
                logger.log(level, "deployment of queue %s to %s: %s", self.queue, self.target, error)
        finally:
            self._settled.set()
            self._ended.set()

    def _upload(self, client: SSHClient) -> tuple[str, ...]:
        alone = _uploads.setdefault((self.target.host, self.target.port, self._folder), threading.Lock())
        with alone, client.open_sftp() as sftp:
            files = self._compare(sftp)
            uploading.upload(sftp, self._folder, files, self._options.sftp_log_level)
        return tuple(file.name for file in files)

    def _compare(self, sftp: Any) -> list[Any]:
        found = scan(self._place.root, self._rules)
        files = uploading.changed(sftp, self._folder, found.files)
        self.plan = Plan(
            host=str(self.target),
            place=self._place,
            remote_folder=self._folder,
            files=tuple(file.name for file in files),
            bytes=sum(file.size for file in files),
            unchanged=len(found.files) - len(files),
            left_out=found.left_out,
            log=posixpath.join(self._folder, self._log),
            command=script.command(self._options.python, self._code_text, self.queue),
            script=self._script(dict.fromkeys(self._options.environment, "***")),
        )
        return files

    def skip(self) -> None:
        """Do nothing: this is the import of a child process, or of what has just been deployed."""
        bootstrap.refuse("fabric_deploy", self.queue)
        self._settled.set()
        self._ended.set()

    def dry_run(self) -> None:
        """Make the plan, looking at the other machine and changing nothing there."""
        with connected(self.target) as client, client.open_sftp() as sftp:
            self._compare(sftp)
        self._settled.set()
        self._ended.set()

    @property
    def _log(self) -> str:
        return script.log_of(self.queue)

    @property
    def _code_text(self) -> str:
        return script.code_of(self._place.module, self._place.name, self._options.processes)

    def _script(self, environment: Mapping[str, str]) -> str:
        options = self._options
        return script.starting(
            self._folder,
            self.queue,
            self._code_text,
            python=options.python,
            extra=options.extra_shell,
            environment=environment,
            attached=options.attached,
            stop_seconds=options.stop_seconds,
            watch_seconds=options.watch_seconds,
        )

    def _show(self, line: str) -> None:
        if self._options.shown:
            sys.stdout.write(f"[{self.target.host}] {line}")


def _default_folder(user: str, project: str) -> str:
    return f"/codes/{project}" if user == "root" else f"/home/{user}/codes/{project}"


def deploy(
    booster: Any,
    target: Target,
    *,
    rules: Rules | None = None,
    options: Options | None = None,
    project_root: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> Deployment:
    """Upload the project of a task, end its earlier runs on that machine and start it there; returns at once.

    Args:
        booster: the task.
        target: the machine.
        rules: which files are left out.
        options: what is started, and how.
        project_root: the folder to upload; see `place_of`.
        dry_run: only find out and print what would be done, before this returns.

    Raises:
        ConfigError: the task cannot be imported on another machine, or an argument is wrong.
        DeployError: with `dry_run`, the machine cannot be looked at.

    Example::

        deploy(add, Target("10.0.0.5", 22, "me"), options=Options(processes=2)).result(60)
    """
    made = Deployment(
        target, booster.queue_name, place_of(booster, project_root), rules or Rules(), options or Options()
    )
    if bootstrap.muted or script.MARK_OPTION in sys.argv:
        made.skip()
    elif dry_run:
        made.dry_run()
        sys.stdout.write(f"{made.plan}\n")
    else:
        made.start()
    return made
