"""The result of a check: what was found, how bad it is, how to fix it. Knows no check."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`id` is the check's, with `:` and a subject where it has several results. No secret and
    nothing of a dataset is ever put into `message` or `fix`."""

    id: str
    state: State
    message: str
    fix: str = ""


def ok(id: str, message: str) -> CheckResult:
    return CheckResult(id, State.OK, message)


def warning(id: str, message: str, fix: str) -> CheckResult:
    return CheckResult(id, State.WARNING, message, fix)


def problem(id: str, message: str, fix: str) -> CheckResult:
    return CheckResult(id, State.PROBLEM, message, fix)


def unknown(id: str, message: str, fix: str = "") -> CheckResult:
    return CheckResult(id, State.UNKNOWN, message, fix)


def blocked(*needed: str) -> str:
    """The message of a check that cannot be made before others succeed."""
    return f"Not checked: needs {', '.join(needed)}."


def healthy(results: list[CheckResult]) -> bool:
    """No result is a problem; warnings and what could not be checked do not count."""
    return all(result.state != State.PROBLEM for result in results)


def as_json(results: list[CheckResult]) -> dict[str, Any]:
    """What `/api/doctor` and `tunedrop doctor --json` answer."""
    return {"healthy": healthy(results), "checks": [asdict(result) for result in results]}
