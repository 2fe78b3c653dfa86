"""Pooled connections that notice a lost server without asking it."""

import select
from typing import Any

import psycopg


class WatchedConnection(psycopg.Connection[Any]):
    """A connection whose socket tells whether the server has ended it.

    Before each loan the pool runs an empty statement, which costs a round trip a request. An idle connection has
    nothing to read unless the server sent its last words or closed, and that the kernel knows.
    """

    def execute(self, query: Any, *arguments: Any, **options: Any) -> psycopg.Cursor[Any]:
        if query != "":
            return super().execute(query, *arguments, **options)
        watcher = select.poll()
        watcher.register(self.fileno(), select.POLLIN)
        if watcher.poll(0):
            self.close()
            raise psycopg.OperationalError("the server ended this connection")
        return self.cursor()
