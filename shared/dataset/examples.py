"""The words of this room: a dataset is a JSONL file, a line is an example, an example holds
messages. A finding is one thing that is wrong with one place of it.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Example = dict[str, Any]


class Severity(StrEnum):
    ERROR = "error"  # the service would reject the file, or the run would be worthless
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` counts from 1, `message` from 0; both are None where the whole file is meant."""

    id: str
    severity: Severity
    line: int | None
    message: int | None
    what: str
    fix: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def shorten(value: object, limit: int = 60) -> str:
    """A value as a person would quote it, cut so that a report stays readable."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
