"""The commands as methods, for scripts, for `fire.Fire(BoosterFire)` and for the command line itself."""

from __future__ import annotations

from typing import Any

from typing_extensions import Self

from ...cli import main as run
from ...cli.session import enter, env_dict, load, project_root
from ...cli.values import message
from ...discovery import BoosterDiscovery
from ...managers import BoostersManager

__all__ = ["BoosterFire", "env_dict", "run"]


class BoosterFire:
    """The tasks of a project.

    Args:
        import_modules_str: modules that define tasks, separated by commas.
        booster_dirs_str: folders, in the project's, all of whose modules are imported, separated by commas.
        max_depth: how many levels of folders below each of them.
        py_file_re_str: of these, only files whose path matches this regular expression.
        project_root_path: the project's folder; ``env_dict["project_root_path"]`` or the current one if None.

    Raises:
        ConfigError: a folder or module does not exist.

    Example::

        BoosterFire(import_modules_str="tasks").push("add", 1, y=2).consume("add")
    """

    def __init__(
        self,
        import_modules_str: str | None = None,
        booster_dirs_str: str | None = None,
        max_depth: int = 1,
        py_file_re_str: str | None = None,
        project_root_path: str | None = None,
    ) -> None:
        root = project_root(project_root_path)
        enter(root)
        load(_with_commas(import_modules_str))
        folders = [part.strip() for part in (_with_commas(booster_dirs_str) or "").split(",") if part.strip()]
        if folders:
            BoosterDiscovery(root, folders, max_depth=max_depth, py_file_re_str=py_file_re_str).auto_discovery()

    def __str__(self) -> str:
        return ""  # what `fire` prints at the end of a chain

    def show_all_queues(self) -> Self:
        """Print the queues and their functions."""
        BoostersManager.show_all_boosters()
        return self

    def clear(self, *queue_names: str) -> Self:
        """Remove the messages that wait."""
        for queue in queue_names:
            BoostersManager.get_booster(queue).clear()
        return self

    def push(self, queue_name: str, *args: Any, **kwargs: Any) -> Self:
        """Publish a call."""
        BoostersManager.push(queue_name, *args, **kwargs)
        return self

    def publish(self, queue_name: str, msg: dict[str, Any] | str) -> Self:
        """Publish a message, given as a dict, or as the text of one."""
        BoostersManager.publish(queue_name, message(msg) if isinstance(msg, str) else msg)
        return self

    def consume_queues(self, *queue_names: str) -> Self:
        """Consume queues in this process; blocks."""
        BoostersManager.consume(*queue_names)
        return self

    consume = consume_queues

    def consume_all_queues(self) -> Self:
        """Consume all queues in this process; blocks."""
        BoostersManager.consume_all()
        return self

    consume_all = consume_all_queues

    def multi_process_consume_queues(self, **queue_name__process_num: int) -> Self:
        """Consume each queue in so many processes; blocks."""
        BoostersManager.m_consume(**queue_name__process_num)
        return self

    m_consume = multi_process_consume_queues

    def multi_process_consume_all_queues(self, process_num: int = 1) -> Self:
        """Consume each queue in so many processes; blocks."""
        BoostersManager.m_consume_all(process_num)
        return self

    m_consume_all = multi_process_consume_all_queues

    def pause(self, *queue_names: str) -> Self:
        """Let no consumer, on any host, start another message of these queues."""
        for queue in queue_names:
            BoostersManager.get_booster(queue).pause_consume()
        return self

    def continue_consume(self, *queue_names: str) -> Self:
        """Undo `pause`."""
        for queue in queue_names:
            BoostersManager.get_booster(queue).continue_consume()
        return self


def _with_commas(given: Any) -> str | None:
    return ",".join(map(str, given)) if isinstance(given, (list, tuple)) else given
