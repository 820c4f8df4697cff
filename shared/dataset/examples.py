"""The words of this room: a dataset is a JSONL file, a line is an example, an example holds
messages. A finding is one thing that is wrong with one place of it.

Holds types only; what is looked for is in `findings`, and who looks in `checks` and its siblings.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

import msgspec

Example = dict[str, Any]  # an example as JSON, before anything is known of it

ROLES = ("system", "developer", "user", "assistant", "tool")


class Severity(StrEnum):
    ERROR = "error"  # the service would reject the file, or the run would be worthless
    WARNING = "warning"
    ADVICE = "advice"


class Role(StrEnum):
    """What a file is for."""

    TRAINING = "training"
    VALIDATION = "validation"


class Fault(NamedTuple):
    """A finding before it knows its line; the rest of it is in the table of findings.

    `path` leads into the example, keys and indexes; `fix` is given where the table's is too vague.
    """

    id: str
    what: str
    message: int | None = None
    path: tuple[str | int, ...] = ()
    fix: str | None = None


class Row(NamedTuple):
    """A line of a preview: masked, shortened text, and the part of it that is meant."""

    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` counts from 1, `message` from 0; both are None where the whole file is meant."""

    id: str
    severity: Severity
    line: int | None
    message: int | None
    what: str
    fix: str
    path: str = ""
    preview: tuple[Row, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "preview": [row._asdict() for row in self.preview]}


class Message(msgspec.Struct, gc=False):
    """A message as the content checks see it: a text, if only an empty one."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str
    weight: Literal[0, 1, None] = None


class Conversation(NamedTuple):
    """An example as the content checks see it.

    `roles` has one letter for each message; `extra`, the JSON of tools and calls, is counted as
    tokens and not looked at.
    """

    line: int
    messages: Sequence[Message]
    roles: str
    extra: str = ""
