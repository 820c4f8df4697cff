"""What the emulator stores: JSON documents in SQLite. Knows nothing of what they mean.

A document has a kind ("file", "job", ...), a key that is unique within its kind, and may belong to
a parent (an event to its job). Documents are listed in the order in which they were made.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Document = dict[str, Any]
SCHEMA = 3  # one more whenever documents get keys that older ones lack


def public(document: Document) -> Document:
    """What a client may see of a document: no key of the emulator's own."""
    return {key: value for key, value in document.items() if not key.startswith("_")}


class Store:
    """One connection behind one lock: writes are few and small, and each is atomic."""

    def __init__(self, path: Path) -> None:
        """Raises OSError and sqlite3.Error where there can be no such database."""
        self._lock = threading.RLock()
        path.touch(mode=0o600)
        path.chmod(0o600)  # also one that was there before; the files beside it get its rights
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._prepare()
        except sqlite3.Error:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Safe against a crash of this process; a crash of the machine may lose the last writes.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS documents (number INTEGER PRIMARY KEY AUTOINCREMENT,"
            " kind TEXT, key TEXT, parent TEXT, body TEXT, UNIQUE (kind, key))"
        )
        if self._connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
            # Of a version whose documents had other keys: start empty rather than with broken ones.
            self._connection.execute("DELETE FROM documents")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA}")
        self._connection.execute(
            "CREATE INDEX IF NOT EXISTS family ON documents (kind, parent, number)"
        )

    def put(self, kind: str, key: str, body: Document, parent: str = "") -> Document:
        with self._lock:
            self._connection.execute(
                "INSERT INTO documents (kind, key, parent, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                (kind, key, parent, json.dumps(body)),
            )
        return body

    def get(self, kind: str, key: str) -> Document | None:
        rows = self._read("WHERE kind = ? AND key = ?", (kind, key))
        return rows[0] if rows else None

    def family(self, kind: str, parent: str = "") -> list[Document]:
        """Oldest first."""
        return self._read("WHERE kind = ? AND parent = ? ORDER BY number", (kind, parent))

    def newest(self, kind: str) -> Document | None:
        rows = self._read("WHERE kind = ? ORDER BY number DESC LIMIT 1", (kind,))
        return rows[0] if rows else None

    def count(self, kind: str, parent: str = "") -> int:
        with self._lock:
            query = "SELECT count(*) FROM documents WHERE kind = ? AND parent = ?"
            return int(self._connection.execute(query, (kind, parent)).fetchone()[0])

    def change(self, kind: str, key: str, how: Callable[[Document], object]) -> Document | None:
        """Read, let `how` alter the document in place, write unless it returns False: atomic.

        Returns the document as it is now, or None if there is none.
        """
        with self._lock:
            document = self.get(kind, key)
            if document is not None and how(document) is not False:
                self.put(kind, key, document)
            return document

    def delete(self, kind: str, key: str) -> bool:
        with self._lock:
            query = "DELETE FROM documents WHERE kind = ? AND key = ?"
            return self._connection.execute(query, (kind, key)).rowcount > 0

    def delete_family(self, kind: str, parent: str) -> None:
        with self._lock:
            query = "DELETE FROM documents WHERE kind = ? AND parent = ?"
            self._connection.execute(query, (kind, parent))

    def trim(self, kind: str, keep: int) -> None:
        """Delete all but the newest."""
        with self._lock:
            query = (
                "SELECT number FROM documents WHERE kind = ? ORDER BY number DESC LIMIT 1 OFFSET ?"
            )
            found = self._connection.execute(query, (kind, keep)).fetchone()
            if found:
                self._connection.execute(
                    "DELETE FROM documents WHERE kind = ? AND number <= ?", (kind, found[0])
                )

    def clear(self, kinds: Iterable[str]) -> None:
        with self._lock:
            for kind in kinds:
                self._connection.execute("DELETE FROM documents WHERE kind = ?", (kind,))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _read(self, where: str, values: tuple[str, ...]) -> list[Document]:
        with self._lock:
            rows = self._connection.execute(f"SELECT body FROM documents {where}", values)
            return [json.loads(body) for (body,) in rows]
