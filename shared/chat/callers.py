"""What somebody may do who may chat: the role, the models, the limits. Knows no key's text."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from shared.printable import printable

MAX_LIMIT = 10**9  # a minute's requests or tokens


def _name(text: str) -> str:
    """A name for logs, answers and the metrics, and never two ways to write it."""
    if text != text.strip() or text != printable(text):
        raise ValueError("blanks at its ends, or control characters")
    return text


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_name)]
PerMinute = Annotated[int, Field(gt=0, le=MAX_LIMIT)]


class Role(StrEnum):
    """What the holder of a key may do: chat only; also see what the management routes show; also
    command."""

    CHAT = "chat"
    READER = "reader"
    OPERATOR = "operator"


# `models` says what a key may chat with. Of other roles it would look as if it also said of which
# models they may see the runs, the data and the conversations.
NARROWED = (
    "models narrows keys of the role chat; whoever may see or command does so for every model"
)


def may_be_narrowed(role: Role) -> bool:
    return role is Role.CHAT


class Caller(BaseModel):
    """Somebody who may chat. `models` None means all models; a limit None means no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    models: frozenset[str] | None = None
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None

    def may_use(self, model: str) -> bool:
        """Whoever may use a model may use each of its versions."""
        return self.models is None or model.partition("@")[0] in self.models


class KeyHolder(Caller):
    """`id` tells created keys apart that have had one name after another; empty for others."""

    name: Name
    role: Role = Role.CHAT
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    id: str = ""


class SettingKey(KeyHolder):
    """As it stands in the setting."""

    id: Literal[""] = ""

    @field_validator("models", "requests_per_minute", "tokens_per_minute", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        """Null is what a template makes of a limit that it does not know, and not a wish."""
        if value is None:
            raise ValueError("null")
        return value
