"""The changes that survive for a reason: equivalent.toml, compared with what has survived.

    [[equivalent]]
    file = "shared/run/estimates.py"
    reason = "a sort key of values that are never None"
    changes = ['''best: … or 0.0 => … or 1.0''']

Some kinds are known by a rule and need no entry: `change.is_of_words`.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from tests.mutants.tool.change import is_of_words
from tests.mutants.tool.run import HERE, Tried


@dataclass(frozen=True)
class Equivalent:
    file: str
    reason: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    unexplained: tuple[str, ...]
    words: int
    explained: int
    stale: tuple[str, ...]  # explained, but did not survive, or is not there any more


def equivalents() -> list[Equivalent]:
    path = HERE / "equivalent.toml"
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return [Equivalent(i["file"], i["reason"], tuple(i["changes"])) for i in listed]


def judged(tried: Tried, known: Iterable[Equivalent]) -> Judged:
    listed = {c for item in known if item.file == tried.module.file for c in item.changes}
    survivors = set(tried.survivors)
    words = {change for change in survivors - listed if is_of_words(change)}
    return Judged(
        unexplained=tuple(sorted(survivors - listed - words)),
        words=len(words),
        explained=len(survivors & listed),
        stale=tuple(sorted(listed - survivors)),
    )
