"""A command line as it may be written: other spellings of options, and several commands in a row."""

from __future__ import annotations

from collections.abc import Sequence

from ..aliases import OPTIONS

VALUED = ("--project_root_path", "--import_modules_str", "--booster_dirs_str", "--max_depth", "--py_file_re_str")
"""Options before the command that have a value."""
FIXED = {"show_all_queues": 0, "consume_all": 0, "m_consume_all": 1, "publish": 2, "start_web": 0}
"""Commands that take so many arguments at most, so that another may follow without a dash."""
SYNONYMS = {
    "consume_queues": "consume",
    "multi_process_consume_queues": "m_consume",
    "consume_all_queues": "consume_all",
    "multi_process_consume_all_queues": "m_consume_all",
    "pause_consume": "pause",
    "start_funboost_web_manager": "start_web",
}
"""Commands under other documented names."""


def command_name(word: str) -> str:
    """The name under which a command is known here; underscores may be dashes."""
    name = word.replace("-", "_")
    return SYNONYMS.get(name, name)


def split(argv: Sequence[str], commands: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The options before the command, well spelt; and the commands, which a single dash separates.

    Example::

        split(["--max_depth=2", "clear", "q", "-", "push", "q", "1"], names)
        # ["--max_depth=2"], [["clear", "q"], ["push", "q", "1"]]
    """
    rest = list(argv)
    options: list[str] = []
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        name = name[:2] + name[2:].replace("-", "_")
        name = OPTIONS.get(name, name)
        options.append(name + equals + value)
        if name in VALUED and not equals and rest:
            options.append(rest.pop(0))
    chain: list[list[str]] = [[]]
    for word in rest:
        current = chain[-1]
        full = bool(current) and _positional(current) >= FIXED.get(command_name(current[0]), len(rest))
        if word == "-":
            chain.append([])
        elif full and command_name(word) in commands:
            chain.append([word])
        else:
            current.append(word)
    return options, [command for command in chain if command]


def _positional(command: Sequence[str]) -> int:
    return sum(1 for word in command[1:] if not word.startswith("-"))
