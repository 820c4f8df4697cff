"""What others are told of: the kinds of notifications, and one of them as a CloudEvent. Pure.

Knows what a notification says, not when one is due (`notify`) nor who receives it
(`shared/cloud/receivers.py`). docs/notifications.md is made from the table.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from shared.cloud.documents import Count, Document, Frozen, Moment
from shared.model.history import Change
from shared.printable import shown
from shared.run.record import LONGEST_PAUSE

PREFIX = "dev.tunedrop."  # of every type
LONGEST = 2_000  # characters of one text
ID = re.compile(r"[A-Za-z0-9_-]{1,200}")  # no dot: in what is signed, one ends the id

Value = str | int | float | bool | None


class Kind(StrEnum):
    """What stands behind PREFIX in the type."""

    RUN_SERVING = "run.serving"
    RUN_HELD = "run.held"
    RUN_REJECTED = "run.rejected"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_SUPERSEDED = "run.superseded"
    MODEL_PROMOTED = "model.promoted"
    MODEL_ROLLED_BACK = "model.rolled-back"
    MODEL_DOWN = "model.down"
    MODEL_ASLEEP = "model.asleep"
    MODEL_DELETED = "model.deleted"
    ORDER_GIVEN_UP = "order.given-up"
    BUDGET = "budget"
    RETIREMENT = "retirement"
    DROP_REFUSED = "drop.refused"


class About(NamedTuple):
    """`data`: the names in it, always all of them; null where there is nothing to say."""

    when: str
    subject: str
    data: tuple[str, ...]


_OF_RUN = ("run", "model", "stage", "version", "message", "fix", "blame")
_OF_CHANGE = ("model", "version", "before", "change", "cause", "who", "why", "verdict")

KINDS: dict[Kind, About] = {
    Kind.RUN_SERVING: About(
        "A run has ended well: its version answers and is a champion, or was one.", "run", _OF_RUN
    ),
    Kind.RUN_HELD: About(
        "A version answers and was not promoted: a person decides.", "run", _OF_RUN
    ),
    Kind.RUN_REJECTED: About("A dataset has errors; nothing was sent.", "run", _OF_RUN),
    Kind.RUN_FAILED: About("A run cannot go on.", "run", _OF_RUN),
    Kind.RUN_CANCELLED: About(
        "A run was cancelled: by a command, or outside of Tunedrop.", "run", _OF_RUN
    ),
    Kind.RUN_SUPERSEDED: About(
        "A run's files were replaced, or another run has paid for the same.", "run", _OF_RUN
    ),
    Kind.MODEL_PROMOTED: About("A model has another champion.", "model", _OF_CHANGE),
    Kind.MODEL_ROLLED_BACK: About(
        "A model's champion is an earlier one again.", "model", _OF_CHANGE
    ),
    Kind.MODEL_DOWN: About(
        "A champion has not answered for five minutes, and something is in the way of its "
        "deployment.",
        "model",
        ("model", "version", "message", "fix"),
    ),
    Kind.MODEL_ASLEEP: About(
        "A version's deployment was removed, for nobody used it or to save money; a chat wakes it, "
        "of older versions `tunedrop wake` alone.",
        "model@version",
        ("model", "version", "message"),
    ),
    Kind.MODEL_DELETED: About(
        "A model, a version or a run was deleted.",
        "what was deleted",
        ("model", "version", "run", "who", "why"),
    ),
    Kind.ORDER_GIVEN_UP: About(
        "An order to promote a version or to roll back had to wait, and is given up.",
        "model",
        ("model", "version", "order", "who", "why", "message", "fix"),
    ),
    Kind.BUDGET: About(
        "A ceiling in the settings holds something up: runs wait, or models go to sleep.",
        "the ceiling's setting",
        ("setting", "run", "model", "message", "fix"),
    ),
    Kind.RETIREMENT: About(
        "An end of a base model has come near: 90, 30 or 7 days are left, or none.",
        "model",
        ("model", "what", "on", "days", "level", "message", "fix"),
    ),
    Kind.DROP_REFUSED: About(
        "A dropped file was not taken; `waits` where the app looks again by itself.",
        "the blob's name",
        ("name", "model", "message", "fix", "waits"),
    ),
}


def rests(until: datetime | None, now: datetime) -> bool:
    """Never for longer than any pause is, whatever clock has told when it ends."""
    return until is not None and now < until <= now + LONGEST_PAUSE


class Awaited(Frozen):
    """A change of a model's champion, by the id that it has in the registry, or has not yet, or
    never will."""

    model: str
    change: str


class Try(Frozen):
    """How often a receiver has refused this one notification, and when it is asked again."""

    count: Count = 0
    not_before: Moment

    def resting(self, now: datetime) -> bool:
        return rests(self.not_before, now)


class Notification(Document):
    """`received`: by which receivers. `awaits`: it is true once the registry has that change, and
    its data are then what stands there."""

    id: str
    type: str
    subject: str
    at: Moment
    data: dict[str, Value]
    awaits: Awaited | None = None
    received: tuple[str, ...] = ()
    tries: dict[str, Try] = Field({})

    def misfit(self, name: str) -> str | None:
        return None if name.rpartition("/")[2] == self.id else "it is another notification"


def notification(
    kind: Kind,
    subject: str,
    data: Mapping[str, Value],
    id: str,
    at: datetime,
    awaits: Awaited | None = None,
) -> Notification:
    """`id` is the event's own: the same whenever the same event is told again. `data` may leave
    out names of the kind's; it has no others."""
    names = KINDS[kind].data
    unknown = set(data) - set(names)
    assert not unknown, f"{kind} has no {unknown}"
    assert ID.fullmatch(id), f"{id!r} can be no id"
    return Notification(
        id=id,
        type=f"{PREFIX}{kind}",
        subject=shown(subject, LONGEST) or "-",
        at=at,
        data={name: _told(data.get(name)) for name in names},
        awaits=awaits,
    )


def of_change(one: Notification, change: Change) -> Notification:
    """With what the registry says of the change that it awaited."""
    said: dict[str, Value] = {
        "version": change.version,
        "before": change.before,
        "cause": change.cause,
        "who": change.who,
        "why": change.why,
        "verdict": change.verdict or None,
    }
    return one.replace(data={**one.data, **{name: _told(said[name]) for name in said}})


def digest(*parts: str) -> str:
    """Of texts that can stand in no id: 128 bits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def as_event(one: Notification, source: str) -> bytes:
    """The structured form of CloudEvents 1.0, the same bytes at each try."""
    event = {
        "specversion": "1.0",
        "id": one.id,
        "source": source,
        "type": one.type,
        "subject": one.subject,
        "time": one.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": one.data,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _told(value: Value) -> Value:
    return shown(value, LONGEST) if isinstance(value, str) else value
