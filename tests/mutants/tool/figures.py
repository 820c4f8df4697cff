"""The figures of the last run that was saved, for docs/mutants.md: figures.json, by module."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

PATH = Path(__file__).with_name("figures.json")


@dataclass(frozen=True)
class Figures:
    """What became of all changes of a module; `on` is the day."""

    file: str
    changes: int
    unexplained: int
    explained: int
    words: int
    stale: int
    seconds: int
    on: str

    @property
    def right(self) -> bool:
        return not self.unexplained and not self.stale

    @property
    def found(self) -> int:
        return self.changes - self.unexplained - self.explained - self.words


def load() -> list[Figures]:
    return [Figures(**item) for item in json.loads(PATH.read_text(encoding="utf-8"))]


def save(measured: Iterable[Figures]) -> None:
    """Modules that were not measured this time keep their figures."""
    known = {figures.file: figures for figures in (*load(), *measured)}
    listed = [asdict(known[file]) for file in sorted(known)]
    PATH.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8", newline="\n")
