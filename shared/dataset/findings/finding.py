"""What a finding is: one thing that is wrong with one place of a dataset.

Holds types only. What can be found is in `table`, how findings are gathered in `collector`.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Severity(StrEnum):
    ERROR = "error"  # the service would reject the file, or the run would be worthless
    WARNING = "warning"
    ADVICE = "advice"


class RawFinding(NamedTuple):
    """A finding as a check yields it: without its line, and without what the table has.

    `path` leads into the example, keys and indexes; `fix` is given where the table's is too vague.
    """

    id: str
    message: str
    message_index: int | None = None
    path: tuple[str | int, ...] = ()
    fix: str | None = None


class PreviewRow(NamedTuple):
    """A line of a preview: masked, shortened text, and the part of it that is meant."""

    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """`message` says what is wrong; `line` counts from 1, `message_index` (of the message within
    the example) from 0. Both are None where the whole file is meant."""

    id: str
    severity: Severity
    line: int | None
    message_index: int | None
    message: str
    fix: str
    path: str = ""
    preview: tuple[PreviewRow, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "preview": [row._asdict() for row in self.preview]}
