"""The table of findings: every id with its severity, what it means, why it matters and the fix.

The table itself is `table.toml` beside this file: texts are edited there without any code. Does not
know how a finding is found.
"""

import tomllib
from pathlib import Path
from typing import NamedTuple

from shared.dataset.findings.finding import Severity


class FindingKind(NamedTuple):
    id: str
    severity: Severity
    title: str
    why: str
    fix: str


def _read(path: Path) -> dict[str, tuple[FindingKind, ...]]:
    groups = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        title: tuple(
            FindingKind(id, Severity(kind["severity"]), kind["title"], kind["why"], kind["fix"])
            for id, kind in kinds.items()
        )
        for title, kinds in groups.items()
    }


GROUPS = _read(Path(__file__).with_name("table.toml"))
TABLE: dict[str, FindingKind] = {kind.id: kind for kinds in GROUPS.values() for kind in kinds}
