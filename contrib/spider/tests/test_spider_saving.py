"""Rows into databases: SQLite as it is, the statements of the others, and a stand-in for MongoDB's client."""

from __future__ import annotations

import datetime
import os
import signal
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from funboost_spider import Saver

sqlalchemy = pytest.importorskip("sqlalchemy", reason="funboost-spider[sql] is not installed here")


@pytest.fixture
def base(tmp_path):
    """url, and a function from SQL to rows."""
    url = f"sqlite:///{(tmp_path / 'pages.db').as_posix()}"
    engine = sqlalchemy.create_engine(url)

    def rows(statement):
        with engine.begin() as connection:
            result = connection.execute(sqlalchemy.text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    yield url, rows
    engine.dispose()


@pytest.fixture
def saver(base):
    made = []

    def saver(*arguments, **named):
        made.append(Saver(base[0], *arguments, **named))
        return made[-1]

    yield saver
    for one in made:
        one.close()


def test_rows_of_every_type_come_back(base, saver):
    row = {
        "url": "a",
        "n": 2**40,
        "f": 0.5,
        "ok": True,
        "at": datetime.datetime(2026, 1, 2, 3),
        "tags": ["x"],
        "no": None,
    }
    assert saver("pages", "url").save(row) == 1
    table = sqlalchemy.Table(
        "pages", sqlalchemy.MetaData(), autoload_with=(engine := sqlalchemy.create_engine(base[0]))
    )
    with engine.connect() as connection:
        assert dict(connection.execute(table.select()).mappings().one()) == row
    engine.dispose()


def test_the_later_row_replaces(base, saver):
    pages = saver("pages", "url")
    pages.save({"url": "a", "title": "old", "n": 1})
    assert (
        pages.save(
            [{"url": "b", "title": "B", "n": 2}, {"url": "a", "title": "A"}, {"url": "b", "title": "BB", "n": 3}]
        )
        == 2
    )
    assert base[1]("SELECT url, title, n FROM pages ORDER BY url") == [("a", "A", 1), ("b", "BB", 3)]
    assert pages.save([]) == 0


def test_a_key_of_two_columns_and_rows_of_nothing_else(base, saver):
    links = saver("links", ["source", "target"])
    for _ in range(2):
        links.save([{"source": 1, "target": 2}, {"source": 1, "target": 3}])
    assert base[1]("SELECT source, target FROM links ORDER BY target") == [(1, 2), (1, 3)]


def test_a_table_of_the_user_is_used_as_it_is(base, saver):
    base[1]("CREATE TABLE pages (url VARCHAR(99) PRIMARY KEY, seen INTEGER DEFAULT 7)")
    saver("pages", "url").save({"url": "a"})
    assert base[1]("SELECT url, seen FROM pages") == [("a", 7)]
    with pytest.raises(ValueError, match="no column title"):
        saver("pages", "url").save({"url": "a", "title": "x"})


def test_a_row_without_its_key_is_refused(saver):
    with pytest.raises(ValueError, match="no url, its key"):
        saver("pages", "url").save({"title": "x"})
    with pytest.raises(ValueError, match="need a key"):
        saver("pages", [])


def test_many_threads_and_two_savers_that_make_the_table_at_once(base, saver):
    savers = [saver("pages", "n") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: savers[n % 2].save({"n": n % 50, "by": n}), range(100)))
    assert base[1]("SELECT count(*), count(distinct n) FROM pages") == [(50, 50)]


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [("mysql", "ON DUPLICATE KEY UPDATE"), ("postgresql", "ON CONFLICT (url) DO UPDATE SET title = excluded.title")],
)
def test_the_upserts_of_servers(dialect, expected):
    from funboost_spider.sql import made, upsert
    from sqlalchemy.schema import CreateTable

    table = made("pages", ("url",), [{"url": "a", "title": "A", "raw": b"x"}])
    speaks = getattr(sqlalchemy.dialects, dialect).dialect()
    assert expected in str(upsert(table, ("url",), ["url", "title"], dialect).compile(dialect=speaks))
    made_so = str(CreateTable(table).compile(dialect=speaks))
    assert ("url VARCHAR(255)" in made_so and "LONGBLOB" in made_so) if dialect == "mysql" else "url TEXT" in made_so


def test_another_database_is_named():
    from funboost_spider.sql import made, upsert

    with pytest.raises(ValueError, match="oracle"):
        upsert(made("t", ("a",), [{"a": 1}]), ("a",), ["a"], "oracle")


class Documents:
    """What Collection uses of pymongo's collection."""

    def __init__(self):
        self.found, self.indexes = {}, []

    def create_index(self, columns, unique):
        self.indexes.append((columns, unique))

    def bulk_write(self, operations, ordered):
        for where, change in operations:
            self.found.setdefault(tuple(where.items()), {}).update(change["$set"])


def test_documents_of_mongodb(monkeypatch):
    """Against a stand-in of the client: the tests of this machine have no MongoDB."""
    documents, closed = Documents(), []
    client = types.SimpleNamespace(get_default_database=lambda: {"pages": documents}, close=lambda: closed.append(1))
    module = types.ModuleType("pymongo")
    module.MongoClient = lambda url: client
    module.UpdateOne = lambda where, change, upsert: (where, change)
    monkeypatch.setitem(sys.modules, "pymongo", module)
    monkeypatch.delitem(sys.modules, "funboost_spider.mongo", raising=False)
    pages = Saver("mongodb://host/base", "pages", key="url")
    pages.save([{"url": "a", "title": "old", "n": 1}, {"url": "b"}])
    pages.save({"url": "a", "title": "new"})
    pages.close()
    assert list(documents.found.values()) == [{"url": "a", "title": "new", "n": 1}, {"url": "b"}]
    assert documents.indexes == [([("url", 1)], True)]
    assert closed
    monkeypatch.delitem(sys.modules, "funboost_spider.mongo")


@pytest.mark.parametrize(("url", "module", "extra"), [("sqlite://", "sql", "sql"), ("mongodb://h/b", "mongo", "mongo")])
def test_a_missing_library_says_what_to_install(monkeypatch, url, module, extra):
    monkeypatch.setitem(sys.modules, "sqlalchemy" if module == "sql" else "pymongo", None)
    monkeypatch.delitem(sys.modules, f"funboost_spider.{module}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'funboost-spider\[{extra}\]'"):
        Saver(url, "pages", key="url").save({"url": "a"})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_is_forked_while_a_thread_connects_can_save(monkeypatch):
    from funboost_spider import sql

    parent, connecting, forked = os.getpid(), threading.Event(), threading.Event()

    class Table:
        def __init__(self, *about):
            if os.getpid() == parent:
                connecting.set()
                assert forked.wait(40)

        def write(self, rows):
            pass

    monkeypatch.setattr(sql, "Table", Table)
    pages = Saver("sqlite://", "pages", key="url")
    thread = threading.Thread(target=pages.save, args=({"url": "a"},), daemon=True)
    thread.start()
    assert connecting.wait(40)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends it
        signal.alarm(30)
        try:
            os._exit(pages.save({"url": "b"}) - 1)
        finally:
            os._exit(1)
    forked.set()
    assert os.waitpid(child, 0)[1] == 0
    thread.join(40)
