"""What the data plane of Azure OpenAI tells of files and jobs, as a few tolerant types.

Knows the service's shapes and quirks, not how it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from shared.dataset.privacy import mask
from shared.printable import printable

ENDED = {"succeeded", "failed", "cancelled", "deleted"}  # any other status, known or not, goes on
GOES_ON = {"pending", "running", "pausing", "paused", "resuming", "cancelling", "deleting"}
FILE_STATUSES = {"pending", "running", "processed", "error", "deleting", "deleted"}

# The service's documents spell a status in several ways: the v1 API, the dated ones (their State:
# notRunning, running, succeeded, canceled, failed, deleted) and the jobs that OpenAI runs for Azure
# (validating_files, queued). Read 2026-08 to 2026-11; without regard to case, spaces and marks.
JOB_SPELLINGS = {
    "canceled": "cancelled",
    "canceling": "cancelling",
    "created": "pending",
    "notrunning": "pending",
    "notstarted": "pending",
    "queued": "pending",
    "validatingfiles": "pending",
    "inprogress": "running",
}
FILE_SPELLINGS = {
    "uploaded": "pending",
    "notrunning": "pending",
    "succeeded": "processed",
    "failed": "error",
    "canceled": "error",
    "cancelled": "error",
}
LONGEST_STATUS = 40  # characters of one that is not known, as it is shown


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at the service. `status` is one of FILE_STATUSES or, as the service spells it, one
    that is not known. `size` is in bytes, None where it is not told; a digest never is."""

    id: str
    name: str
    status: str
    detail: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a job is made from; a hyperparameter that is not given is the service's to choose."""

    base_model: str
    method: str
    training_file: str
    validation_file: str | None
    training_type: str
    suffix: str
    seed: int | None
    hyperparameters: dict[str, float | int]
    metadata: dict[str, str]


def is_of(
    known: Mapping[str, str], metadata: Mapping[str, str], digests: Mapping[str, str]
) -> bool:
    """Whether the metadata `known` of a job are these. Digests count where the job has them: one
    from before they were sent has none, one with others was made from other data."""
    told = {key: digest for key, digest in digests.items() if key in known}
    return metadata.items() <= known.items() and told.items() <= known.items()


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job as the service tells it. `status` is one of ENDED, one of GOES_ON or, as the service
    spells it, one that is not known. Times are epoch seconds; empty values are None."""

    id: str
    status: str
    fine_tuned_model: str | None
    result_file: str | None
    estimated_finish: int | None
    n_epochs: int | None
    batch_size: int | None
    trained_tokens: int | None
    error_code: str
    error_message: str

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def known(self) -> bool:
        return self.status in ENDED | GOES_ON


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job with what tells whose it is. `files` are the ids of those that it is made from."""

    job: RemoteJob
    base_model: str
    files: tuple[str, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """Losses at one step; None where the service left a hole (it writes -1 or nothing).

    `checkpoint` is the model as it was then, where the service has kept it.
    """

    step: int
    train_loss: float | None
    valid_loss: float | None
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What the service reports of a job: a sentence and, with the losses of a step, those."""

    id: str
    message: str
    metric: Metric | None


def readable(text: Any) -> str:
    """A text of the service as one line that can be written and shown: it may be cut off within a
    character, and it may repeat what a dataset's file was called or what stands in it."""
    return printable(mask(" ".join(str(text or "").split())))


def job_status(told: Any) -> str:
    return _status(told, JOB_SPELLINGS, ENDED | GOES_ON)


def file_status(told: Any) -> str:
    return _status(told, FILE_SPELLINGS, FILE_STATUSES)


def _status(told: Any, spellings: Mapping[str, str], known: set[str]) -> str:
    """In this project's spelling. One that is not known stays as it is, as a line to be shown; none
    at all is the first of a life."""
    bare = "".join(character for character in str(told or "pending").lower() if character.isalpha())
    status = spellings.get(bare, bare)
    return status if status in known else readable(told)[:LONGEST_STATUS]


def remote_file(file: Any) -> RemoteFile:
    name, status = getattr(file, "filename", None), getattr(file, "status", None)
    detail = getattr(file, "status_details", None)
    size = getattr(file, "bytes", None)
    return RemoteFile(file.id, str(name or ""), file_status(status), readable(detail), size)


def remote_job(job: Any) -> RemoteJob:
    """Azure leaves keys out or sends null where OpenAI's types promise a value."""
    hyperparameters = getattr(job, "hyperparameters", None)
    results = getattr(job, "result_files", None) or []
    error = getattr(job, "error", None)
    return RemoteJob(
        id=job.id,
        status=job_status(getattr(job, "status", None)),
        fine_tuned_model=getattr(job, "fine_tuned_model", None) or None,
        result_file=results[0] if results else None,
        estimated_finish=getattr(job, "estimated_finish", None),
        n_epochs=_resolved(hyperparameters, "n_epochs"),
        batch_size=_resolved(hyperparameters, "batch_size"),
        trained_tokens=getattr(job, "trained_tokens", None),
        error_code=str(getattr(error, "code", None) or ""),
        error_message=readable(getattr(error, "message", None)),
    )


def listed_job(job: Any) -> ListedJob:
    named = (getattr(job, name, None) for name in ("training_file", "validation_file"))
    files = tuple(str(name) for name in named if name)
    metadata = getattr(job, "metadata", None) or {}
    return ListedJob(remote_job(job), str(getattr(job, "model", None) or ""), files, metadata)


def job_event(event: Any) -> JobEvent:
    return JobEvent(event.id, readable(event.message), _metric(event))


def _metric(event: Any) -> Metric | None:
    data = event.data if event.type == "metrics" else None
    if not isinstance(data, dict) or not isinstance(data.get("step"), int | float):
        return None
    return Metric(int(data["step"]), _loss(data.get("train_loss")), _loss(data.get("valid_loss")))


def checkpoint_metric(checkpoint: Any) -> Metric:
    losses = getattr(checkpoint, "metrics", None)
    names = ("train_loss", "full_valid_loss", "valid_loss")
    train, full_valid, valid = (getattr(losses, name, None) for name in names)
    model = getattr(checkpoint, "fine_tuned_model_checkpoint", None)
    return Metric(checkpoint.step_number, _loss(train), _loss(full_valid, valid), model)


def _resolved(hyperparameters: Any, name: str) -> int | None:
    """ "auto" is echoed as -1 until the service has decided."""
    value = getattr(hyperparameters, name, None)
    return value if isinstance(value, int) and value > 0 else None


def _loss(*candidates: Any) -> float | None:
    """The first that is a loss; the service writes -1 where it did not measure."""
    numbers = (float(c) for c in candidates if isinstance(c, int | float))
    return next((number for number in numbers if number >= 0 and isfinite(number)), None)
