"""Status and result of each run into a table of a SQL database: MySQL, PostgreSQL, SQLite …

Example::

    @boost(BoosterParams(queue_name="q", user_custom_record_process_info_func=save_result_status_to_sqlalchemy))
    def f(x): ...
"""

from __future__ import annotations

import datetime
import functools
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from funboost_core.environment import default
from funboost_core.errors import ConfigError

from ..own_lock import OwnLock

if TYPE_CHECKING:
    from funboost_core.status import FunctionResultStatus

TABLE = "funboost_consume_results"
_COLUMNS = (
    "_id function host_name host_process insert_minutes insert_time insert_time_str msg_dict params params_str process_id "
    "publish_time publish_time_str queue_name result run_times script_name script_name_long success task_id thread_id "
    "time_cost time_end time_start total_thread utime exception rpc_result_expire_seconds"
).split()
_INDEXES = (("insert_time",), ("queue_name", "insert_time"), ("params_str",))

_one_at_a_time = OwnLock()


def save_result_status_to_sqlalchemy(function_result_status: FunctionResultStatus) -> None:
    """Insert the run into the table `funboost_consume_results`, or replace it by its ``_id``.

    For `user_custom_record_process_info_func`.  The database is SQLALCHEMY_ENGINE_URL, else a SQLite file in the data
    folder.  Where the table does not exist it is made; where it does only the columns that it has are written, and text
    is cut to their length.  Other values than text are JSON text in columns of text.

    Raises:
        ConfigError: SQLAlchemy is not installed.
    """
    with _one_at_a_time():
        table, engine = _table(_url(), os.getpid())
    status = function_result_status.get_status_dict()
    row = {column.name: _fitting(status[column.name], column.type) for column in table.columns if column.name in status}
    with engine.begin() as connection:
        for statement in replacing(table, row, engine.dialect.name):
            connection.execute(statement)


def replacing(table: Any, row: Mapping[str, Any], dialect: str) -> list[Any]:
    """The statements that put `row` into `table` in place of the one of the same ``_id``."""
    from sqlalchemy import delete, insert
    from sqlalchemy.dialects import mysql, postgresql, sqlite

    changed = {name for name in row if name != "_id"}
    if dialect in ("mysql", "mariadb"):
        replace = mysql.insert(table).values(row)
        return [replace.on_duplicate_key_update({name: replace.inserted[name] for name in changed})]
    if dialect in ("postgresql", "sqlite"):
        upsert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table).values(row)
        return [
            upsert.on_conflict_do_update(index_elements=["_id"], set_={name: upsert.excluded[name] for name in changed})
        ]
    return [delete(table).where(table.c["_id"] == row["_id"]), insert(table).values(row)]


def _url() -> str:
    environment = default()
    url = environment.settings("SQLALCHEMY_ENGINE_URL")
    return str(url or f"sqlite:///{(environment.data_dir() / 'results.db').as_posix()}")


@functools.cache
def _table(url: str, process: int) -> tuple[Any, Any]:
    """The table as it is, and its engine; one a process, for connections cannot be shared with children."""
    try:
        import sqlalchemy
    except ImportError as error:
        raise ConfigError(f"{__name__} needs SQLAlchemy. Install it with: pip install funboost[sqlalchemy]") from error
    waits: Any = {"connect_args": {"timeout": 30}} if url.startswith("sqlite") else {}
    engine: Any = sqlalchemy.create_engine(url, pool_pre_ping=True, json_serializer=_text, **waits)
    if not sqlalchemy.inspect(engine).has_table(TABLE):
        try:
            documented().create(engine)
        except sqlalchemy.exc.DBAPIError:
            if not sqlalchemy.inspect(engine).has_table(TABLE):  # somebody else has just made it
                raise
    return sqlalchemy.Table(TABLE, sqlalchemy.MetaData(), autoload_with=engine), engine


def documented() -> Any:
    """The documented table, for ``CREATE TABLE``; times are exact here, and results may be long."""
    import sqlalchemy
    from sqlalchemy.dialects.mysql import MEDIUMTEXT

    long: Any = sqlalchemy.Text().with_variant(MEDIUMTEXT(), "mysql").with_variant(MEDIUMTEXT(), "mariadb")
    kinds = {
        sqlalchemy.DateTime(): "insert_time",
        sqlalchemy.JSON(): "msg_dict params",
        sqlalchemy.BigInteger(): "process_id thread_id rpc_result_expire_seconds",
        sqlalchemy.Integer(): "run_times total_thread",
        sqlalchemy.Float(53): "publish_time time_cost time_end time_start",
        sqlalchemy.Boolean(): "success",
        long: "exception result",
    }
    types = {name: kind for kind, names in kinds.items() for name in names.split()}
    columns = [
        sqlalchemy.Column(name, types.get(name, sqlalchemy.String(255)), primary_key=name == "_id") for name in _COLUMNS
    ]
    indexes = [sqlalchemy.Index(f"idx_{'_'.join(names)}", *names) for names in _INDEXES]
    return sqlalchemy.Table(TABLE, sqlalchemy.MetaData(), *columns, *indexes)


def _fitting(value: Any, kind: Any) -> Any:
    """`value` as a column of that type takes it."""
    import sqlalchemy

    if value is None or isinstance(kind, sqlalchemy.JSON):
        return value
    if isinstance(value, datetime.datetime) and isinstance(kind, sqlalchemy.DateTime):
        return value.replace(tzinfo=None)
    if isinstance(kind, sqlalchemy.String):
        text = value if isinstance(value, str) else _text(value)
        return text if kind.length is None else text[: kind.length]
    return _text(value) if isinstance(value, (dict, list, tuple, datetime.datetime)) else value


def _text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
