"""JSON documents as frozen types. A changed one is a copy; what is stored bears its schema version.

Knows shapes, not where documents lie.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)

    def replace(self, **changes: Any) -> Self:
        """A copy with other values for these fields."""
        unknown = set(changes) - set(type(self).model_fields)
        assert not unknown, f"{type(self).__name__} has no {unknown}"
        return self.model_copy(update=changes)


class Document(Frozen):
    """What is stored as a blob of its own."""

    schema_version: int = 1


def as_json(document: Document) -> bytes:
    return document.model_dump_json(indent=2).encode()
