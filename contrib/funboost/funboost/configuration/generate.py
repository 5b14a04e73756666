"""Writing `funboost_config.py` and `funboost_cli_user.py` into a project that has none, when it first uses a queue."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from funboost_core.settings import as_bool

from .. import config_file
from ..own_lock import OwnLock
from . import project, template

if TYPE_CHECKING:
    from funboost_core.settings import Settings

logger: logging.Logger = logging.getLogger("funboost.prompt")

CONFIG, CLI, NB_LOG = "funboost_config.py", "funboost_cli_user.py", "nb_log_config.py"
SHOW = "SHOW_HOW_FUNBOOST_CONFIG_SETTINGS"
_lock = OwnLock()
_done = False


def at_first_use(settings: Settings) -> None:
    """Write what is missing if it may be written, once a process; say in the log which configuration is used."""
    global _done
    if _done:
        return
    with _lock():  # the key in the file must be there before anybody signs
        if not _done:
            _begin(settings)
            _done = True


def _begin(settings: Settings) -> None:
    root = project.writable_root(settings)
    written: list[Path] = []
    if root is not None and not config_file.path():
        try:
            written = write(root)
        except OSError as error:  # what is found is used
            logger.debug("No configuration was written to %s: %s", root, error)
    _tell(settings, written)


def write(root: Path, *, nb_log: bool = False) -> list[Path]:
    """Write the files into `root`; those that were not there.

    Raises:
        OSError: the folder cannot be written.
    """
    texts = {CONFIG: template.config(secrets.token_hex(32)), CLI: template.cli_user()}
    if nb_log:
        texts[NB_LOG] = template.NB_LOG
    written = [root / name for name, text in texts.items() if text and _create(root / name, text)]
    config_file.forget()
    return written


def _create(path: Path, text: str) -> bool:
    """Whether it was made: by one of several processes, and whole from the first moment where files can have links."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, text, path.name == CONFIG)
        try:
            os.link(draft, path)
        except FileExistsError:
            raise
        except OSError:
            _write(path, text, path.name == CONFIG)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _write(path: Path, text: str, secret: bool) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(number, "w", encoding="utf-8") as made:
        made.write(text)


def _tell(settings: Settings, written: list[Path]) -> None:
    level = int(settings("FUNBOOST_PROMPT_LOG_LEVEL", 10))
    if settings.origin("FUNBOOST_PROMPT_LOG_LEVEL") != "default":
        logger.setLevel(level)
    if not as_bool(settings(SHOW, True)):
        return
    if written or settings.origin(SHOW) != "default":
        from ..logs import equip

        equip.console(settings, logger)  # the first queue gets its console only after this
    if written:
        logger.info("Written for this project, yours to change: %s", ", ".join(map(str, written)))
    logger.info(
        "Configuration: %s", config_file.path() or f"no {CONFIG} on sys.path; the defaults and FUNBOOST_* variables"
    )
