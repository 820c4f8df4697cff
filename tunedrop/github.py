"""A verdict as GitHub's workflow commands: each finding beside its line in a pull request."""

from shared.dataset.findings.finding import Finding
from shared.dataset.verdict import Verdict
from tunedrop.echo import say

LEVELS = {"error": "error", "warning": "warning", "advice": "notice"}
MAX_PLACES = 50  # GitHub shows ten of each level for a step; more only make the log longer


def annotate(verdict: Verdict) -> None:
    for group in verdict.groups:
        for finding in group.places[:MAX_PLACES]:
            say(_command(finding, None))
    for file in verdict.files:
        for group in verdict.groups_of(file):
            for finding in group.places[:MAX_PLACES]:
                say(_command(finding, file.name))


def _command(finding: Finding, file: str | None) -> str:
    """The finding as ::error file=…,line=…::… with what the format reserves escaped."""
    properties = {"file": file, "line": finding.line, "title": finding.id}
    given = ",".join(f"{k}={_property(v)}" for k, v in properties.items() if v is not None)
    return f"::{LEVELS[finding.severity]} {given}::{_data(f'{finding.message} {finding.fix}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
