"""The verdict as JSON, for programs, and as one sentence. Its schema is docs/report.schema.json."""

from collections.abc import Mapping
from typing import Any

from shared.dataset.findings.collector import FindingGroup
from shared.dataset.findings.quoting import many
from shared.dataset.scan import ScanResult
from shared.dataset.verdict import Verdict
from shared.printable import printable

SCHEMA_VERSION = 1


def as_json(
    run_id: str, verdict: Verdict, account: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """`account`: what the account says to the run; without it the report has no such key."""
    plan = verdict.plan
    return {
        "schema_version": SCHEMA_VERSION,
        "run": run_id,
        "verdict": "rejected" if verdict.rejected else "accepted",
        "plan": {
            "base_model": plan.base_model,
            "method": plan.method,
            "training_type": plan.tier,
            "epochs": plan.epochs,
            "budget": plan.budget,
        },
        "price": verdict.price.as_json(),
        **({"account": account} if account else {}),
        **_findings(verdict.groups),
        "files": [_file(file, verdict) for file in verdict.files],
    }


def _file(file: ScanResult, verdict: Verdict) -> dict[str, Any]:
    groups = verdict.groups_of(file)
    return {
        "name": file.name,
        "role": file.role,
        "format": file.format or None,
        "bytes": file.size,
        "sha256": file.sha256,
        "lines": file.lines,
        "examples": file.examples,
        "counts": {group.id: group.count for group in groups},
        **_findings(groups),
        "numbers": file.stats.as_json(),
    }


def _findings(groups: tuple[FindingGroup, ...]) -> dict[str, Any]:
    """`groups` has every line, `findings` the first places with their details."""
    return {
        "groups": [group.as_json() for group in groups],
        "findings": [finding.as_json() for group in groups for finding in group.places],
    }


def summary(verdict: Verdict) -> str:
    """One sentence for the run's log."""
    return "; ".join(_sentence(file, verdict) for file in verdict.files)


def _sentence(file: ScanResult, verdict: Verdict) -> str:
    count = sum(group.count for group in verdict.groups_of(file))
    tokens = file.stats.total.sum if file.stats.total else 0
    findings = many(count, "finding") if count else "no findings"
    examples = f"{many(file.examples, 'example')}, {many(tokens, 'token')}"
    return f"{printable(file.name)}: {examples}, {findings}"
