"""The questions that a probe asks, and what the emulator's table of quirks answers to each.

    [[question]]
    id = "files.first-status"   # its area, and what it is about
    asks = "the status of a file that was just uploaded"
    told = ["pending"]          # any of these; of a list of findings: only these
    row = "files"               # the operation's row in docs/emulator.md; empty where it has none
    source = "S-AUTH"           # of docs/emulator.md; "inferred" is the emulator's guess
    unknown = true              # one of those that nobody outside of Microsoft knows

Without `told` the answer is noted and judged by nobody. Knows how a value is held against it, not
how it comes about.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Value = str | int | float | list[str]


@dataclass(frozen=True)
class Question:
    id: str
    asks: str
    told: tuple[str, ...] | None = None
    row: str = ""
    source: str = "inferred"
    unknown: bool = False

    @property
    def area(self) -> str:
        about = self.id.partition(".")[0]
        return "deployments" if about == "chat" else about  # asked while one is there

    def fits(self, value: Value) -> bool:
        if self.told is None:
            return True
        if isinstance(value, list):
            return set(value) <= set(self.told)
        return str(value) in self.told


@cache
def questions() -> Mapping[str, Question]:
    text = files(__package__).joinpath("questions.toml").read_text(encoding="utf-8")
    listed: list[dict[str, Any]] = tomllib.loads(text)["question"]
    return {one["id"]: _question(one) for one in listed}


def _question(one: dict[str, Any]) -> Question:
    return Question(**{**one, "told": tuple(one["told"]) if "told" in one else None})
