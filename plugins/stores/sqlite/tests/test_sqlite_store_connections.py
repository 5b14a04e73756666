"""The SQLite store's connections: closed, or their file replaced, at the very moment at which one is made."""

from __future__ import annotations

import pytest
from funboost_store_sqlite import database
from funboost_store_sqlite.database import StateFileError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite3"


class Interrupted(database.Database):
    """Something happens at its next look at its identity."""

    then = None

    @property
    def identity(self):
        then, self.then = self.then, None
        found = self.known
        if then is not None:
            then()
        return found

    @identity.setter
    def identity(self, identity):
        self.known = identity


def test_one_that_is_closed_while_it_opens_leaves_nothing_open(path):
    made = Interrupted(path)
    made.then = made.close
    with pytest.raises(StateFileError, match="closed in this process"):
        made.ready()
    assert made._readers == []


def test_one_that_is_closed_when_a_reader_comes_is_not_opened_again(path, monkeypatch):
    made = Interrupted(path)
    made.open()
    ready = made.ready

    def closed_afterwards():
        ready()
        made.close()

    monkeypatch.setattr(made, "ready", closed_afterwards)
    monkeypatch.setattr(made, "connect", None)  # calling it will fail
    with pytest.raises(StateFileError, match="closed at this moment"), made.reading():
        pass


def test_a_connection_to_a_file_that_is_replaced_while_it_is_made_is_not_taken_for_the_new_ones(path, monkeypatch):
    made = database.Database(path)
    made.open()
    connect = made.connect

    def replaced():
        connection = connect()
        connection.execute("SELECT * FROM flags").fetchall()  # it is open now
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        monkeypatch.undo()
        with pytest.raises(StateFileError, match="deleted"):
            made.ready()
        made.ready()
        return connection

    monkeypatch.setattr(made, "connect", replaced)
    with made.writing():
        pass  # into the old one: it was replaced too late to be noticed
    with made.writing() as connection:
        connection.execute("INSERT INTO flags (scope, name, value) VALUES ('q', 'a', '1')")
    with made.reading() as connection:
        assert connection.execute("SELECT count(*) FROM flags").fetchone() == (1,)
    made.close()
