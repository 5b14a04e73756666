"""Rows into a collection of MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import pymongo
except ImportError as _error:
    raise ImportError(f"Saving to MongoDB needs pymongo ({_error}): pip install 'funboost-spider[mongo]'") from _error


class Collection:
    """The collection, with a unique index on its key: without it two upserts at once are two documents."""

    def __init__(self, url: str, name: str, key: tuple[str, ...]) -> None:
        self._key = key
        self._client: Any = pymongo.MongoClient(url)
        self._collection = self._client.get_default_database()[name]
        self._collection.create_index([(column, 1) for column in key], unique=True)

    def write(self, rows: list[Mapping[str, Any]]) -> None:
        """Set the fields of the documents with these keys; other fields stay."""
        self._collection.bulk_write(
            [
                pymongo.UpdateOne({name: row[name] for name in self._key}, {"$set": dict(row)}, upsert=True)
                for row in rows
            ],
            ordered=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
