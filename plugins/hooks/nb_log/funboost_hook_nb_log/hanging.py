"""Which handlers of nb_log a logger gets."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

from funboost_core import TaskIdFilter, TaskIdFormatter
from funboost_core.native import RLock

from .quiet import nb_log

if TYPE_CHECKING:
    from funboost_core.settings import Settings
    from funboost_core.task import Task

ROOT = "funboost"
TEMPLATE = "NB_LOG_FORMATTER_INDEX_FOR_CONSUMER_AND_PUBLISHER"
_numbers = itertools.count(1)
_lock = RLock()
_files: dict[str, list[logging.Handler]] = {}
_hung: set[str] = set()
"""Loggers whose lines are in a file of their own."""


def hang(logger: logging.Logger, task: Task) -> None:
    """The console and the services on `funboost`, or on a logger that is not below it; files on the logger itself."""
    settings, params = task.environment.settings, task.params
    top = logging.getLogger(ROOT)
    with _lock:
        for one in (top,) if f"{logger.name}.".startswith(f"{ROOT}.") else (top, logger):
            if not any(isinstance(known, _Marked) for known in one.filters):
                one.addFilter(_Marked())
                _common(one, settings)
        if getattr(params, "create_logger_file", True) and logger.name not in _hung:
            _hung.add(logger.name)
            name = getattr(params, "log_filename", None) or _file_name(f"{ROOT}.{task.queue_name}.log")
            if name not in _files:
                _files[name] = _to_files(settings, name)
            for handler in _files[name]:
                logger.addHandler(handler)


class _Marked(logging.Filter):
    """Lets everything through; a logger that has it has the handlers for all."""


def _common(logger: logging.Logger, settings: Settings) -> None:
    handlers = _made(settings)
    if logger.name == ROOT:
        files = _to_files(settings, f"{ROOT}.log")
        for handler in files:
            handler.addFilter(lambda record: record.name not in _hung)
        handlers += files
    if settings("NB_LOG_ELASTIC_URL"):
        from .elastic import ElasticHandler

        handlers.append(
            ElasticHandler(str(settings("NB_LOG_ELASTIC_URL")), str(settings("NB_LOG_ELASTIC_INDEX", "pylog-")))
        )
    if settings("NB_LOG_KAFKA_TOPIC"):
        from .kafka import KafkaHandler

        servers = settings("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
        text = servers if isinstance(servers, str) else ",".join(servers)
        config = settings("NB_LOG_KAFKA_CONFIG", None) or {}
        handlers.append(KafkaHandler(str(settings("NB_LOG_KAFKA_TOPIC")), {"bootstrap.servers": text, **config}))
    for handler in handlers:
        logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        level = settings("LOG_LEVEL", logging.INFO)
        logger.setLevel(int(level) if str(level).isdigit() else str(level).upper())


def _to_files(settings: Settings, name: str) -> list[logging.Handler]:
    errors = nb_log(settings).generate_error_file_name(name)
    return _made(settings, is_add_stream_handler=False, log_filename=name, error_log_filename=errors)


def _made(settings: Settings, **options: Any) -> list[logging.Handler]:
    """Handlers that nb_log makes, taken from a logger of their own: levels and parents of ours stay as they are."""
    manager = nb_log(settings).LogManager(f"{__name__}.{next(_numbers)}")
    made = manager.get_logger_and_add_handlers(
        log_level_int=logging.DEBUG, formatter_template=_layout(settings), **options
    )
    handlers: list[logging.Handler] = made.handlers[:]
    made.handlers.clear()
    for handler in handlers:
        handler.addFilter(TaskIdFilter())
    return handlers


def _layout(settings: Settings) -> Any:
    """A Formatter, or the number of one of nb_log's templates."""
    chosen: Any = settings(TEMPLATE)
    if chosen is None:
        own = nb_log(settings).nb_log_config_default
        host = f"{own.computer_ip},{own.computer_name}".replace("%", "%%")
        return TaskIdFormatter(
            f"%(asctime)s-({host})-[p%(process)d_t%(thread)d] - %(name)s - "
            '"%(filename)s:%(lineno)d" - %(funcName)s - %(levelname)s - %(task_id)s - %(message)s',
            "%Y-%m-%d %H:%M:%S",
        )
    if isinstance(chosen, str):
        return int(chosen) if chosen.isdigit() else TaskIdFormatter(chosen)
    return chosen


def _file_name(text: str) -> str:
    return "".join("_" if letter in '<>:"/\\|?*' or letter < " " else letter for letter in text)
