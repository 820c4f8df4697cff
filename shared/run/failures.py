"""Why a run has ended, for a person who has to act on it: what happened, who can act, what to do.
Pure. Recognises the service's known codes and sentences by the tables of `shared.cloud`; any other
is passed on as it is.

What asking again cannot change never says "retry": another deployment of what has been trained is
`tunedrop deploy`, other data or another base model is another drop. docs/endings.md has the table.
"""

import re

from shared.catalog import facts
from shared.cloud.causes import Cause, Then, find
from shared.cloud.denials import WHO_ASKS
from shared.cloud.job_errors import JOB_ERRORS
from shared.cloud.refusals import BLOCKING
from shared.cloud.remote import RemoteJob
from shared.errors import Blocked, TooCostly, TunedropError, WorkerLost
from shared.model.deployment import offered_skus
from shared.printable import shown
from shared.run.record import Command, Failure, Run

RETRY = "`tunedrop retry {id}` goes on from the last good stage."
BY_HAND = (
    "stays at the service: it can be deployed by hand in the Foundry portal, as managed compute "
    "(paid by the GPU and hour) or provisioned."
)
CAUSES = (*JOB_ERRORS, *BLOCKING, *WHO_ASKS)
_LEFT = re.compile(r"available capacity '?(\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?![\d,])", re.IGNORECASE)


def of_error(error: TunedropError, run: Run) -> Failure:
    """The end of a run that a refusal has brought about. Where its code says whose move it is, no
    word of the service's sentence does, and never one of our own."""
    code, status = getattr(error, "code", ""), getattr(error, "status", 0)
    says = getattr(error, "says", "") or ("" if error.fix else error.message)
    if isinstance(error, Blocked):
        known = find(BLOCKING, [code], says or error.message)
        fix = _move(known, says, run) if known else f"{error.fix} Then: {_retry(run)}"
        return Failure(message=error.message, fix=fix, blame=error.blame)
    known = find(CAUSES, [code, str(status)], says)
    if known is None:
        fix = error.fix or _unknown(error.blame, run)
        return Failure(message=error.message, fix=fix, blame=error.blame)
    return Failure(message=error.message, fix=_move(known, says, run), blame=known.blame)


def cure_of(error: TunedropError) -> str:
    """What a person can do about a refusal, without the command that brings a run on."""
    code, status = getattr(error, "code", ""), getattr(error, "status", 0)
    known = find(CAUSES, [code, str(status)], getattr(error, "says", "") or error.message)
    return known.cure() if known else error.fix


def of_job(job: RemoteJob, run: Run) -> Failure:
    """The end of a run whose job has failed."""
    reason = job.error_message or job.error_code or "it gave no reason"
    message = f"The job {job.id} failed: {reason}"
    if known := find(CAUSES, [job.error_code], job.error_message):
        fix = _move(known, job.error_message, run)
        return Failure(message=message, fix=fix, blame=known.blame)
    if job.error_code.lower().startswith("invalid"):
        return Failure(message=message, fix=_unknown("caller", run), blame="caller")
    return Failure(message=message, fix=f"Look at the job. {_retry(run)}", blame="service")


# ---- the move, in words


def _move(known: Cause, says: str, run: Run) -> str:
    cure = known.cure()
    match known.then:
        case Then.LESS:
            return _less(cure, says, run)
        case Then.OTHER:
            return _other(cure, run)
        case Then.DROP:
            kept = f" {run.fine_tuned_model} stays at the service." if run.fine_tuned_model else ""
            return f"{cure} Then drop the dataset again.{kept}"
        case Then.NOTHING:
            return cure
    return f"{cure} {_retry(run)}" if known.blame == "service" else f"{cure} Then: {_retry(run)}"


def _less(cure: str, says: str, run: Run) -> str:
    """The capacity that fits, where the service tells what is left."""
    left, asked = _LEFT.search(says), run.spec.deployment.capacity
    fits = int(left.group(1).replace(",", "")) if left else None
    if fits and fits < asked:
        command = f"tunedrop deploy {run.id} --capacity {fits}"
        return f"`{command}` deploys what has been trained with the capacity that is left. {cure}"
    if fits is None:
        return f"`tunedrop deploy {run.id} --capacity N` asks for another than {asked}. {cure}"
    sku = next(iter(_other_skus(run)), "")
    option = f" --sku {sku}" if sku else ""
    why = f"asks for {sku}, which has a quota of its own" if sku else "asks again after that"
    return f"`tunedrop deploy {run.id}{option}` {why}. {cure}"


def _other(cure: str, run: Run) -> str:
    skus = _other_skus(run)
    if not skus:
        by_hand = f" {run.fine_tuned_model} {BY_HAND}" if run.fine_tuned_model else ""
        return f"No other SKU is known for {run.spec.base_model}. {cure}{by_hand}"
    command = f"tunedrop deploy {run.id} --sku {skus[0]}"
    more = f" It may also have {', '.join(skus[1:])}." if skus[1:] else ""
    return f"`{command}` deploys what has been trained with another SKU.{more} {cure}"


def _other_skus(run: Run) -> list[str]:
    """Those that the model may have, as far as that is known, without the one that it asks for."""
    offered = offered_skus(run.spec.base_model)
    known = dict.fromkeys(facts.SKUS.values.values()) if offered is None else offered
    return [sku for sku in known if sku.lower() != run.spec.deployment.sku.lower()]


def _unknown(blame: str, run: Run) -> str:
    """What no table knows. A request that was not taken is not taken a second time."""
    if blame != "caller":
        return _retry(run)
    if run.fine_tuned_model:
        return (
            f"Correct what it names; `tunedrop deploy {run.id}` then asks for the deployment again,"
            " with --sku or --capacity for another one."
        )
    return "Correct what it names, in the dataset or in run.yaml, and drop the dataset again."


# ---- ends of other kinds


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


def paid_before(other: Run) -> Failure:
    """The end of a run whose bytes another run was dropped with in another placement."""
    fix = f"Use that run; `tunedrop deploy {other.id}` deploys its model in another way."
    return Failure(
        message=f"The run {other.id} trains the same bytes in the same way, and its job was asked "
        "for before: nothing is paid for a second time.",
        fix=_retry(other) if other.without_model else fix,
        blame="caller",
    )


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
