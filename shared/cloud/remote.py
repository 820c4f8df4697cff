"""What the data plane of Azure OpenAI tells of files and jobs, as a few tolerant types.

Knows the service's shapes and quirks, not how it is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from shared.dataset.privacy import mask
from shared.printable import printable

ENDED = {"succeeded", "failed", "cancelled"}  # any other status, known or not, goes on


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at the service. `status`: pending, running, processed, error, deleted. `size` is in
    bytes, None where the service does not tell it; it never tells a digest."""

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
    """A job as the service tells it. Times are epoch seconds; empty values are None."""

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


def remote_file(file: Any) -> RemoteFile:
    name, status = getattr(file, "filename", None), getattr(file, "status", None)
    detail = getattr(file, "status_details", None)
    size = getattr(file, "bytes", None)
    return RemoteFile(file.id, str(name or ""), str(status or "pending"), readable(detail), size)


def remote_job(job: Any) -> RemoteJob:
    """Azure leaves keys out or sends null where OpenAI's types promise a value."""
    hyperparameters = getattr(job, "hyperparameters", None)
    results = getattr(job, "result_files", None) or []
    error = getattr(job, "error", None)
    return RemoteJob(
        id=job.id,
        status=str(job.status).lower(),
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
