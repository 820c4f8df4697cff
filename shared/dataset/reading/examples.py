"""The words of a dataset: it is a JSONL file, a line is an example, an example holds messages.

Holds types only.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

import msgspec

Example = dict[str, Any]  # an example as JSON, before anything is known of it

ROLES = ("system", "developer", "user", "assistant", "tool")


class FileRole(StrEnum):
    """What a file is for."""

    TRAINING = "training"
    VALIDATION = "validation"


class Message(msgspec.Struct, gc=False):
    """A message as the content checks see it: a text, if only an empty one."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str
    weight: Literal[0, 1, None] = None


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """An example as the content checks see it.

    `roles` has one letter for each message; `extra` is the rest of what the service is sent: the
    other answer of a preference, and the JSON of tools, of calls and of whatever else there is. It
    is counted as tokens, compared, and searched for private data. `asks` is what of it belongs to
    the prompt; the last messages, `answers` of them, do not. `shown` tells which pictures,
    sounds and other parts there are: a digest of them all, 0 without any. `said` has of `extra`,
    where tools are declared, what is not the same in most examples of a file: no tools, and of
    calls their names and arguments.
    """

    line: int
    messages: Sequence[Message]
    roles: str
    extra: str = ""
    asks: str = ""
    answers: int = 1
    shown: int = 0
    said: str | None = None
