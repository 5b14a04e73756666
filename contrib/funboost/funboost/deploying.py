"""Deployment to other machines over SSH, under the documented names; `funboost-deploy` does the work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funboost_core.errors import ConfigError

from . import aliases

if TYPE_CHECKING:
    from funboost_deploy import Deployment, Rules, Target
    from typing_extensions import Unpack

    from .aliases import DeploySpellings

PATTERNS = ("/.git/", "/.idea/", "/dist/", "/build/")
SUFFIXES = (".pyc", ".log", ".gz")
RUNNER: dict[str, Any] = {"hide": None, "pty": True, "warn": False}


class Deploying:
    """The method of `Booster`."""

    def fabric_deploy(
        self,
        host: str,
        port: int,
        user: str,
        password: str | None = None,
        path_pattern_excluded_tuple: tuple[str, ...] = PATTERNS,
        file_suffix_tuple_excluded: tuple[str, ...] = SUFFIXES,
        only_upload_within_the_last_modify_time: float = 3650 * 86400,
        file_volume_limit: int = 1000 * 1000,
        sftp_log_level: int = 20,
        extra_shell_str: str = "",
        invoke_runner_kwargs: Mapping[str, Any] = RUNNER,
        python_interpreter: str = "python3",
        process_num: int = 1,
        pkey_file_path: str | os.PathLike[str] | None = None,
        *,
        remote_folder: str | None = None,
        project_root: str | os.PathLike[str] | None = None,
        accept_new_host_key: bool = False,
        known_hosts: str | os.PathLike[str] | None = None,
        stop_seconds: float = 40.0,
        watch_seconds: float = 3.0,
        dry_run: bool = False,
        **spellings: Unpack[DeploySpellings],
    ) -> Deployment:
        """Upload this task's project to a Linux machine, end its earlier runs there and start it; returns at once.

        Args:
            host: the machine.
            port: of its SSH server.
            user: who logs in.
            password: tried when no key is accepted; also the passphrase of `pkey_file_path`.
            path_pattern_excluded_tuple: regular expressions, searched in paths below the project, which begin with
                ``/``; a folder's end with it.
            file_suffix_tuple_excluded: ends of names.
            only_upload_within_the_last_modify_time: seconds; files that were last changed before are left out.
            file_volume_limit: bytes; larger files are left out.
            sftp_log_level: log lines of the upload below it are not written.
            extra_shell_str: **shell text of yours, run there as it is** before the start, for example
                ``. ~/venv/bin/activate``.
            invoke_runner_kwargs: ``pty``: True, what is started ends with this program, and its output is shown here;
                False, it goes on for itself.  ``hide``: True or "out", its output is not shown.  ``warn``: that it
                fails later is a warning and no error.  ``env``: variables for it, shown nowhere.
            python_interpreter: a name or a path, there.
            process_num: how many processes consume.
            pkey_file_path: the private key; those of the agent and of ``~/.ssh`` if None.
            remote_folder: ``/home/<user>/codes/<project>`` if None, ``/codes/<project>`` for root.
            project_root: the folder to upload; if None, the first one on PYTHONPATH, else on ``sys.path``, that holds
                the task's file.
            accept_new_host_key: trust a host that is not in `known_hosts`, and add it there.
            known_hosts: ``~/.ssh/known_hosts`` if None.
            stop_seconds: how long earlier runs may take to end their tasks before they are killed.
            watch_seconds: how long it must have run, with child processes, to count as started.
            dry_run: connect, compare, print what would be uploaded and run, and change nothing; waits for it.

        Returns:
            A `Deployment`: ``result()`` waits for the start and raises what went wrong, ``join()`` waits for the end,
            ``stop()`` ends it.

        Raises:
            ConfigError: a ValueError; an argument is wrong, the task cannot be imported elsewhere, or
                ``funboost[deploy]`` is not installed.

        Example::

            add.fabric_deploy("192.168.6.133", 22, "me", process_num=2).result()
        """
        deploy = _installed()
        patterns, suffixes = _spelt(path_pattern_excluded_tuple, file_suffix_tuple_excluded, spellings)
        return deploy.deploy(  # type: ignore[no-any-return]
            self,
            deploy.Target(host, port, user, password, pkey_file_path, accept_new_host_key, known_hosts),
            rules=deploy.Rules(patterns, suffixes, only_upload_within_the_last_modify_time, file_volume_limit),
            options=deploy.Options(
                processes=process_num,
                python=python_interpreter,
                extra_shell=extra_shell_str,
                remote_folder=remote_folder,
                stop_seconds=stop_seconds,
                watch_seconds=watch_seconds,
                sftp_log_level=sftp_log_level,
                **deploy.of_runner(invoke_runner_kwargs),
            ),
            project_root=project_root,
            dry_run=dry_run,
        )


class ParamikoFolderUploader:
    """Uploads what has changed in a folder to another machine, over SFTP.

    The arguments are those of `Booster.fabric_deploy`, with the folder here and the one there, a whole path.

    Raises:
        ConfigError: a ValueError; an argument is wrong, or ``funboost[deploy]`` is not installed.

    Example::

        ParamikoFolderUploader("192.168.6.133", 22, "me", None, "/home/me/p", "/home/me/codes/p").upload()
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str | None,
        local_dir: str | os.PathLike[str],
        remote_dir: str,
        path_pattern_excluded_tuple: tuple[str, ...] = PATTERNS,
        file_suffix_tuple_excluded: tuple[str, ...] = SUFFIXES,
        only_upload_within_the_last_modify_time: float = 3650 * 86400,
        file_volume_limit: int = 1000 * 1000,
        sftp_log_level: int = 20,
        pkey_file_path: str | os.PathLike[str] | None = None,
        *,
        accept_new_host_key: bool = False,
        known_hosts: str | os.PathLike[str] | None = None,
        **spellings: Unpack[DeploySpellings],
    ) -> None:
        self._deploy = deploy = _installed()
        patterns, suffixes = _spelt(path_pattern_excluded_tuple, file_suffix_tuple_excluded, spellings)
        self._target: Target = deploy.Target(
            host, port, user, password, pkey_file_path, accept_new_host_key, known_hosts
        )
        self._rules: Rules = deploy.Rules(
            patterns, suffixes, only_upload_within_the_last_modify_time, file_volume_limit
        )
        self._folders = local_dir, remote_dir
        self._log_level = sftp_log_level

    def upload(self) -> list[str]:
        """Upload; the paths, below the folder, of the files that had changed.

        Raises:
            funboost_deploy.DeployError: the machine cannot be reached, or not be written to.
        """
        local, remote = self._folders
        uploaded: list[str] = self._deploy.upload_folder(self._target, local, remote, self._rules, self._log_level)
        return uploaded


def _installed() -> Any:
    try:
        import funboost_deploy
        import paramiko  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"Deploying needs funboost-deploy and paramiko ({error}). Install them with: pip install 'funboost[deploy]'"
        ) from error
    return funboost_deploy


def _spelt(
    patterns: tuple[str, ...], suffixes: tuple[str, ...], spellings: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The two arguments, which may have come under their documented names."""
    for name, value in spellings.items():
        ours = aliases.DEPLOY.get(name)
        if ours is None:
            raise TypeError(f"got an unexpected keyword argument {name!r}")
        if ours == "path_pattern_excluded_tuple":
            patterns = value
        else:
            suffixes = value
    return tuple(patterns), tuple(suffixes)
