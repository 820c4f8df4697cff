"""Why a run has ended, for a person who has to act on it: what happened, who can act, what to do.
Pure. Recognises the service's known messages; any other is passed on as it is.

Sources of the wordings: Microsoft's Q&A threads and troubleshooting pages, read 2026-08 to 2026-10.
"""

import re
from dataclasses import dataclass

from shared.cloud.remote import RemoteJob
from shared.errors import Blocked, TooCostly, TunedropError, WorkerLost
from shared.printable import shown
from shared.run.record import Command, Failure, Run

RETRY = "`tunedrop retry {id}` goes on from the last good stage."


@dataclass(frozen=True, slots=True)
class Cause:
    """What the service's code or message looks like, who can act on it, and how."""

    signs: re.Pattern[str]
    blame: str
    fix: str


def _cause(signs: str, blame: str, fix: str) -> Cause:
    return Cause(re.compile(signs, re.IGNORECASE), blame, fix)


CAUSES = (
    _cause(
        r"unable to be deployed|Model evaluation identified",
        "caller",
        "The trained model failed the service's safety evaluation. Balance the dataset against the "
        "kinds of harm that it names (examples that decline) and drop it again.",
    ),
    _cause(
        r"RAI checks|contentFilter|harm types",
        "caller",
        "The service's safety check of training data stopped it; nothing was billed. Take out the "
        "examples with the kinds of harm that it names and drop the dataset again.",
    ),
    _cause(
        r"jsonlValidationFailed|invalid.{0,10}(training|validation).?file|Validation of jsonl",
        "caller",
        "The service could not read the dataset although the check could: mend the lines that it "
        "names, drop the dataset again, and report the difference to this project.",
    ),
    _cause(
        r"does not support fine-tuning",
        "caller",
        "The base model, the region of the resource and the training type must fit together: "
        "choose another base_model or training_type in run.yaml.",
    ),
    _cause(
        r"\b410\b|retired|deprecated|ModelDeprecated",
        "caller",
        "The model is retired: choose a newer base_model in run.yaml.",
    ),
    _cause(
        r"InsufficientQuota|quotaExceeded|exceed.{0,40}(quota|limit|maximum)",
        "caller",
        "The subscription's or the resource's quota is used up: delete what is no longer needed or "
        "ask for more quota. Then: " + RETRY,
    ),
    _cause(
        r"PermissionDenied|AuthorizationFailed|lacks the required data action",
        "caller",
        "The app's identity lacks a right: give it the role Cognitive Services OpenAI Contributor "
        "on the Azure OpenAI resource. Then: " + RETRY,
    ),
    _cause(
        r"internal|serviceUnavailable|unexpected",
        "service",
        "It is the service's own error and not billed. " + RETRY,
    ),
)


def of_error(error: TunedropError, run: Run) -> Failure:
    """The end of a run that a refusal has brought about. Where its code says whose move it is, no
    other word of the service's sentence does."""
    if isinstance(error, Blocked):
        fix = f"{error.fix} Then: {_retry(run)}"
        return Failure(message=error.message, fix=fix, blame=error.blame)
    cause = _find(f"{getattr(error, 'code', '')} {error.message}")
    if cause is None:
        return Failure(message=error.message, fix=error.fix or _retry(run), blame=error.blame)
    return Failure(message=error.message, fix=cause.fix.format(id=run.id), blame=cause.blame)


def of_job(job: RemoteJob, run: Run) -> Failure:
    """The end of a run whose job has failed."""
    reason = job.error_message or job.error_code or "it gave no reason"
    cause = _find(f"{job.error_code} {job.error_message}")
    return Failure(
        message=f"The job {job.id} failed: {reason}",
        fix=cause.fix.format(id=run.id) if cause else f"Look at the job. {_retry(run)}",
        blame=cause.blame if cause else "service",
    )


def cancelled_elsewhere(job_id: str, run: Run) -> Failure:
    message = (
        f"The job {job_id} was cancelled outside of Tunedrop: in the portal or by another tool."
    )
    return Failure(message=message, fix=_retry(run), blame="caller")


def cancelled_by(command: Command, run: Run) -> Failure:
    why = f": {command.why}" if command.why else "."
    return Failure(message=f"Cancelled by {command.who}{why}", fix=_retry(run), blame="caller")


def overdue(run: Run, obstacle: str | None) -> Failure:
    idle = f"Nothing new was seen since {run.since:%Y-%m-%d %H:%M} UTC, while {run.stage}."
    last = f" The last look found: {obstacle}" if obstacle else ""
    return Failure(message=idle + last, fix=_retry(run), blame="service")


def rejected(errors: str) -> Failure:
    return Failure(
        message=f"The dataset has errors: {errors}.",
        fix="report.html names each with its line and how to fix it; then drop the dataset again.",
        blame="caller",
    )


def too_costly(error: TooCostly) -> Failure:
    return Failure(message=error.message, fix=error.fix, blame=error.blame)


def uncheckable(error: WorkerLost, tries: int) -> Failure:
    """The end of a run whose check ends its process each time, whatever the machine."""
    fix = (
        "`tunedrop check FILE` may show which line does it: mend that, report the difference to "
        "this project, and drop the dataset again."
    )
    message = f"The check was tried {tries} times. {error.message}"
    return Failure(message=message, fix=fix, blame=error.blame)


def replaced(name: str, *, gone: bool) -> Failure:
    """The end of a run whose dataset is not where it was, before a job could be asked for."""
    if gone:
        message = f"{shown(name)} is gone, and the service has no copy of it."
        return Failure(message=message, fix="Drop the same files again to go on.", blame="caller")
    message = f"{shown(name)} was replaced by another before a job was asked for."
    return Failure(message=message, fix="The newer drop has a run of its own.", blame="caller")


def altered(name: str) -> Failure:
    """The end of a run whose dataset lies where it was and is not what it was."""
    return Failure(
        message=f"{shown(name)} does not have the bytes that this run was made of and that its "
        "check has judged: its SHA-256 is another. Nothing of it was sent to the service.",
        fix="Drop the files again: what lies there then has a run and a report of its own.",
        blame="caller",
    )


def _retry(run: Run) -> str:
    return RETRY.format(id=run.id)


def _find(text: str) -> Cause | None:
    return next((cause for cause in CAUSES if cause.signs.search(text)), None)
