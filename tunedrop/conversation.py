"""A conversation with one model, or the same questions to several, each with its own answers.

Knows what is sent and what an example of a training set is made of; asks nobody, prints nothing.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunedrop.errors import CommandError
from tunedrop.questions import Message, Reply

PRIVATE = 0o600


@dataclass
class Conversation:
    """`models`: who is asked, the first of them being the one that is talked with."""

    models: list[str]
    system: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    said: dict[str, list[Message]] = field(default_factory=dict)  # by model
    last: dict[str, Reply] = field(default_factory=dict)  # the last answer of each

    @property
    def model(self) -> str:
        return self.models[0]

    def messages(self, model: str, question: str) -> list[Message]:
        """What is sent to a model to ask this."""
        asked = {"role": "user", "content": question}
        return [*self._system(), *self.said.get(model, ()), asked]

    def keep(self, question: str, reply: Reply) -> None:
        """An answer that has come, or as much of it as was waited for; of none, nothing is kept."""
        if not reply.text:
            return
        self.said.setdefault(reply.model, []).extend(
            [{"role": "user", "content": question}, {"role": "assistant", "content": reply.text}]
        )
        self.last[reply.model] = reply

    def turn_to(self, models: list[str]) -> None:
        """Ask these from now on. One that comes anew knows what was said with the first."""
        for model in models:
            if model not in self.said:
                self.said[model] = list(self.said.get(self.model, ()))
        self.models = models

    def correct(self, model: str, text: str) -> None:
        """The conversation goes on as if the model had said this."""
        if said := self.said.get(model):
            said[-1] = {"role": "assistant", "content": text}

    def clear(self) -> None:
        self.said.clear()
        self.last.clear()

    def example(self) -> str:
        """What was said with the first model, as a line of a training set. Raises CommandError."""
        said = self.said.get(self.model)
        if not said:
            raise CommandError("nothing was said yet.", "Ask something first.")
        return json.dumps({"messages": [*self._system(), *said]}, ensure_ascii=False)

    def _system(self) -> list[Message]:
        return [{"role": "system", "content": self.system}] if self.system else []


def append(path: Path, line: str) -> int:
    """Add a line to a file, made for this user only if it is new; its number. Raises OSError."""
    path.touch(mode=PRIVATE)
    with path.open("r+b") as file:
        before = file.read()
        torn = before and not before.endswith(b"\n")
        file.write((b"\n" if torn else b"") + line.encode("utf-8", "surrogatepass") + b"\n")
    return before.count(b"\n") + bool(torn) + 1
