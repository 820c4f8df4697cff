"""What every area of a probe works with: the wire, the names of what it makes, its money, and where
answers are kept.

Knows how something is asked once and waited for; no operation of the service.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from tunedrop.probe.memory import Memory
from tunedrop.probe.questions import Value, questions
from tunedrop.probe.scrub import clean, sentence
from tunedrop.probe.wire import Clock, Reply, Wire

LIVE_PAUSE, EMULATED_PAUSE = 5.0, 0.2  # seconds between two looks
T = TypeVar("T")


class CannotGoOn(Exception):
    """An area ends here: what its other questions need was refused. The message says it."""


class StillWaits(CannotGoOn):
    """Nothing was refused: the same command goes on later."""


@dataclass
class Session:
    """`most_usd`: what may be spent; None where nothing costs anything."""

    wire: Wire
    memory: Memory
    most_usd: float | None = 0.0

    @property
    def clock(self) -> Clock:
        return self.wire.clock

    @property
    def is_live(self) -> bool:
        return self.wire.target.is_live

    def see(self, question: str, value: Value) -> None:
        """Keep an answer, without whatever must not be in a report."""
        assert question in questions(), question
        names = (*self.wire.target.names, self.memory.name)
        if isinstance(value, str):
            value = clean(value, names)
        elif isinstance(value, list):
            value = [clean(one, names) for one in value]
        day = datetime.fromtimestamp(self.clock.now(), UTC).date().isoformat()
        self.memory.answers[question] = {"value": value, "on": day}

    def hear(self, question: str, reply: Reply) -> None:
        """Keep the sentence of a refusal, if there is one."""
        if not reply.is_ok:
            names = (*self.wire.target.names, self.memory.name)
            self.see(question, sentence(reply.sentence, names))

    def need(self, reply: Reply, what: str) -> dict[str, Any]:
        """The object of an answer. Raises CannotGoOn for a refusal."""
        if not reply.is_ok or not reply.object:
            raise CannotGoOn(f"{what} was answered with {clean(reply.outcome)}")
        return reply.object

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What was made under this name, by this call of the command or by one before it."""
        if name not in self.memory.notes:
            self.memory.notes[name] = make()
            self.memory.save()
        return dict(self.memory.notes[name])

    def spend(self, usd: float) -> None:
        """Raises CannotGoOn where that is more than is left."""
        if self.most_usd is None:
            return
        if self.memory.spent_usd + usd > self.most_usd:
            left = self.most_usd - self.memory.spent_usd
            raise CannotGoOn(f"it may cost ${usd:.2f}, and ${left:.2f} is left of --max-usd")
        self.memory.spent_usd += usd
        self.memory.save()  # before it is spent

    def until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """What `look` finds, looked for again and again; None where it has not come in time."""
        end = self.clock.now() + seconds
        while (found := look()) is None and self.clock.now() < end:
            self.clock.pause(LIVE_PAUSE if self.is_live else EMULATED_PAUSE)
        return found

    def states(
        self, read: Callable[[], Mapping[str, Any]], key: str, ends: set[str], seconds: float
    ) -> tuple[list[str], Mapping[str, Any]]:
        """Every value of `key` that was seen, each once in a row, until one of `ends`; and the
        object as it was last."""
        seen: list[str] = []
        last: list[Mapping[str, Any]] = [{}]

        def look() -> bool | None:
            last[0] = read()
            state = str(last[0].get(key))
            if not seen or seen[-1] != state:
                seen.append(state)
            return True if state in ends else None

        self.until(look, seconds)
        return seen, last[0]
