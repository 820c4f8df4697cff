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

    def right(self, known: int) -> bool:
        """Whether no more than those known before survived without a reason, and each reason still
        has its change."""
        return self.unexplained <= known and not self.stale

    @property
    def found(self) -> int:
        return self.changes - self.unexplained - self.explained - self.words


def load() -> list[Figures]:
    return [Figures(**item) for item in json.loads(PATH.read_text(encoding="utf-8"))]


def known() -> dict[str, int]:
    """How many of a module's changes may survive without a reason: as many as when its figures
    were saved. Of a module that is not there, none."""
    return {figures.file: figures.unexplained for figures in load()}


def save(measured: Iterable[Figures]) -> None:
    """Modules that were not measured this time keep their figures."""
    kept = {figures.file: figures for figures in (*load(), *measured)}
    listed = [asdict(kept[file]) for file in sorted(kept)]
    PATH.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8", newline="\n")
