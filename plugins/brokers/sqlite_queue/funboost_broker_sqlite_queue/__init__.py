"""Broker SQLITE_QUEUE: queues in one SQLite file, shared by the processes of a host, without a server."""
