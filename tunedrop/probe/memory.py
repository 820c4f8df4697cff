"""What a probe remembers between two calls of the command: answers, what it has made, what it has
spent. A file for its user alone, written whole, and written before the next thing is made.

Knows no question.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tunedrop.errors import CommandError
from tunedrop.files import written_whole

PREFIX = "tunedrop-probe-"  # of everything that a probe makes and may name
FORMAT = 1


@dataclass
class Memory:
    """`answers`: by the question's id, a value and the day. `notes`: objects of the service that an
    area goes on with. `done` and `paid`: areas. `left_out`: those that were not asked to their end,
    with the reason."""

    place: Path
    resource: str  # its endpoint
    name: str = ""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    spent_usd: float = 0.0
    format: int = FORMAT

    @classmethod
    def at(cls, place: Path, resource: str) -> "Memory":
        """What is remembered there, or a new one. Raises CommandError for the memory of another
        resource, and for a file that is none."""
        if not place.exists():
            return cls(place, resource, PREFIX + secrets.token_hex(4))
        known = _read(place)
        if known.get("resource") != resource:
            message = f"{place} is of a probe of another resource."
            raise CommandError(message, "Name another file with --state, or delete this one.")
        try:
            return cls(place, **known)
        except TypeError:
            raise _unreadable(place) from None

    @property
    def is_new(self) -> bool:
        return not (self.answers or self.notes or self.done)

    def save(self) -> None:
        kept = {key: value for key, value in asdict(self).items() if key != "place"}
        with written_whole(self.place, private=True) as file:
            file.write(json.dumps(kept, indent=1).encode())

    def forget(self) -> None:
        self.place.unlink(missing_ok=True)


def _read(place: Path) -> Mapping[str, Any]:
    try:
        known = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _unreadable(place) from None
    if not isinstance(known, dict) or known.get("format") != FORMAT:
        raise _unreadable(place)
    return known


def _unreadable(place: Path) -> CommandError:
    return CommandError(f"{place} is not the memory of a probe.", "Name another with --state.")
