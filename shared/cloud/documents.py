"""JSON documents as frozen types. A changed one is a copy; what is stored bears its schema version.

What people, other tools or a newer version of the app have left in the place of a document is no
document: its numbers are finite and not endless, its times have a zone and a year that can be
reckoned with. Knows shapes, not where documents lie.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from shared.errors import Newer

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _reckonable(at: datetime) -> datetime:
    if not FIRST <= at <= LAST:
        raise ValueError("no time that can be reckoned with")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_reckonable)]
Count = Annotated[int, Field(ge=0, le=2**53)]  # what every reader of JSON can count to


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    def replace(self, **changes: Any) -> Self:
        """A copy with other values for these fields."""
        unknown = set(changes) - set(type(self).model_fields)
        assert not unknown, f"{type(self).__name__} has no {unknown}"
        return self.model_copy(update=changes)


class Document(Frozen):
    """What is stored as a blob of its own. `newest_schema` is the last one that this app knows."""

    newest_schema: ClassVar[int] = 1

    schema_version: Count = 1

    def misfit(self, name: str) -> str | None:
        """Why it cannot be what is stored under this name, although its shape is right."""
        return None

    def must_be_known(self, name: str) -> None:
        """Raises Newer for one that a newer version of the app has written."""
        if self.schema_version > self.newest_schema:
            raise newer(name, self.schema_version, self.newest_schema)


def newer(name: str, schema: int, known: int) -> Newer:
    return Newer(
        f"{name} was written by a newer version of Tunedrop (its schema is {schema:.20g}, this app "
        f"knows {known}): it is left as it is.",
        "Update this app, or put back an earlier version of that blob.",
    )


def as_json(document: Document) -> bytes:
    """As it is stored: by this app's schema. Raises Newer: what it does not know would be lost."""
    document.must_be_known("The record")
    written = document.replace(schema_version=document.newest_schema)
    return written.model_dump_json(indent=2).encode()
