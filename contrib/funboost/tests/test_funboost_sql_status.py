"""Each run as a row in a SQL database: the documented table, tables with fewer columns, other databases' statements."""

from __future__ import annotations

import datetime
import json
import sys
import threading

import pytest
from funboost import BoosterParams, boost

from funboost_core.environment import using
from funboost_core.errors import ConfigError

sqlalchemy = pytest.importorskip("sqlalchemy")

from funboost.contrib import save_result_status_to_sqldb as module  # noqa: E402

FEWER = "CREATE TABLE funboost_consume_results (_id VARCHAR(255) PRIMARY KEY, result VARCHAR(4), params VARCHAR(99), utime VARCHAR(255))"


@pytest.fixture
def database(environment, tmp_path):
    """Runs SQL in the configured database; closes what was opened."""
    url = f"sqlite:///{tmp_path / 'here.db'}"
    environment.settings.values["SQLALCHEMY_ENGINE_URL"] = url
    module._table.cache_clear()
    engine = sqlalchemy.create_engine(url)

    def run(statement):
        with engine.begin() as connection:
            done = connection.execute(sqlalchemy.text(statement))
            return [dict(row._mapping) for row in done] if done.returns_rows else None

    with using(environment):
        yield run
        engine.dispose()
        if module._table.cache_info().currsize:
            module._table(module._url(), module.os.getpid())[1].dispose()
    module._table.cache_clear()


def run(environment, function, *calls, **fields):
    """Run a task for each of the calls, keep each as a row, and stop."""
    saved = threading.Semaphore(0)

    def save(status):
        module.save_result_status_to_sqlalchemy(status)
        saved.release()

    params = BoosterParams(queue_name="q", user_custom_record_process_info_func=save, max_retry_times=0, **fields)
    booster = boost(params, environment=environment)(function)
    for number, call in enumerate(calls):
        booster.publish(call, task_id=f"id{number}")
    booster.consume()
    for _ in calls:
        assert saved.acquire(timeout=40)
    environment.worker.stop()


def test_the_documented_table_is_made_and_filled(environment, database):
    def f(x):
        return {"值": x} if x else 1 / x

    run(environment, f, {"x": 7}, {"x": 0})
    good, bad = database("SELECT * FROM funboost_consume_results ORDER BY _id")
    assert list(good) == module._COLUMNS
    assert (good["_id"], good["task_id"], good["queue_name"], good["function"]) == ("id0", "id0", "q", "f")
    assert json.loads(good["result"]) == {"值": 7}
    assert json.loads(good["params"]) == json.loads(good["params_str"]) == {"x": 7}
    assert json.loads(good["msg_dict"])["extra"]["task_id"] == "id0"
    assert (good["success"], good["run_times"], good["exception"]) == (1, 1, None)
    assert good["time_end"] - good["time_start"] == pytest.approx(good["time_cost"], abs=1e-5)
    assert datetime.datetime.fromisoformat(good["insert_time"]) > datetime.datetime(2024, 1, 1)
    assert (bad["success"], bad["exception"]) == (0, "ZeroDivisionError    division by zero")
    names = {index["name"] for index in database("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"idx_insert_time", "idx_queue_name_insert_time", "idx_params_str"} <= names


def test_a_row_is_replaced_by_its_id(environment, database):
    run(environment, lambda x: x, {"x": 1})
    run(environment, lambda x: x, {"x": 2})
    (row,) = database("SELECT result, params_str FROM funboost_consume_results")
    assert row == {"result": "2", "params_str": '{"x": 2}'}


def test_only_the_columns_of_the_table_are_written_and_text_is_cut_to_their_length(environment, database):
    database(FEWER)
    run(environment, lambda x: x, {"x": "abcdefgh"})
    (row,) = database("SELECT * FROM funboost_consume_results")
    assert (row["_id"], row["result"], row["params"]) == ("id0", "abcd", '{"x": "abcdefgh"}')
    datetime.datetime.fromisoformat(row["utime"])


def test_what_json_cannot_carry_is_kept_as_its_text(environment, database):
    class Thing:
        def __repr__(self):
            return "<thing>"

    run(environment, lambda x: [Thing()], {"x": Thing()})
    (row,) = database("SELECT result, params FROM funboost_consume_results")
    assert row["result"] == '["<thing>"]'
    assert json.loads(row["params"]) == {"x": "<thing>"}


def test_without_a_setting_it_is_a_file_in_the_data_folder(environment, database, tmp_path):
    environment.settings.values.update(SQLALCHEMY_ENGINE_URL="", DATA_DIR=str(tmp_path / "data"))
    run(environment, lambda x: x, {"x": 1})
    assert (tmp_path / "data" / "results.db").exists()


def test_threads_that_make_the_table_at_once(environment, database):
    failures, together = [], threading.Barrier(4)

    def make():
        try:
            together.wait()
            module._table.__wrapped__(module._url(), 0)[1].dispose()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_file_that_others_write_to_is_waited_for(database):
    _, engine = module._table(module._url(), module.os.getpid())
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("PRAGMA busy_timeout")).scalar() == 30_000


@pytest.mark.parametrize(
    ("dialect", "wanted"),
    [
        ("mysql", ["ON DUPLICATE KEY UPDATE result = VALUES(result)"]),
        ("mariadb", ["ON DUPLICATE KEY UPDATE result = VALUES(result)"]),
        ("postgresql", ["ON CONFLICT (_id) DO UPDATE SET result = excluded.result"]),
        ("sqlite", ["ON CONFLICT (_id) DO UPDATE SET result = excluded.result"]),
        ("oracle", ["DELETE FROM funboost_consume_results WHERE", "INSERT INTO funboost_consume_results"]),
    ],
)
def test_the_statements_of_other_databases(dialect, wanted):
    from importlib import import_module

    compiler = import_module(f"sqlalchemy.dialects.{dialect.replace('mariadb', 'mysql')}").dialect()
    made = module.replacing(module.documented(), {"_id": "a", "result": "b"}, dialect)
    texts = [str(statement.compile(dialect=compiler)) for statement in made]
    assert len(texts) == len(wanted)
    for text, part in zip(texts, wanted):
        assert part in " ".join(
            text.replace("`", "")
            .replace('"', "")
            .replace(" AS new", "")
            .replace("new.result", "VALUES(result)")
            .split()
        ), text


def test_the_table_of_other_databases():
    from sqlalchemy.dialects import mysql, postgresql
    from sqlalchemy.schema import CreateTable

    of_mysql = str(CreateTable(module.documented()).compile(dialect=mysql.dialect()))
    for part in ("_id VARCHAR(255) NOT NULL", "PRIMARY KEY (_id)", "params JSON", "thread_id BIGINT", "success BOOL"):
        assert part in of_mysql
    assert "exception MEDIUMTEXT" in of_mysql
    assert "insert_time DATETIME" in of_mysql
    of_postgres = str(CreateTable(module.documented()).compile(dialect=postgresql.dialect()))
    for part in ("exception TEXT", "time_cost FLOAT(53)", "insert_time TIMESTAMP"):
        assert part in of_postgres


def test_values_are_what_columns_of_other_databases_take():
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    assert module._fitting(10, sqlalchemy.String(255)) == "10"
    assert module._fitting({"a": 1}, sqlalchemy.JSON()) == {"a": 1}
    assert module._fitting(None, sqlalchemy.String(3)) is None
    assert module._fitting(moment, sqlalchemy.DateTime()) == moment.replace(tzinfo=None)
    assert module._fitting(moment, sqlalchemy.String(10)) == "2026-01-02"
    assert module._fitting([1], sqlalchemy.types.NullType()) == "[1]"
    assert module._fitting(1.5, sqlalchemy.Float()) == 1.5


def test_without_the_library_the_extra_is_named(monkeypatch, database):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ConfigError, match=r"pip install funboost\[sqlalchemy\]"):
        module._table("sqlite://", 0)
