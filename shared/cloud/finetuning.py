"""The data plane of Azure OpenAI: files, fine-tuning jobs, and one chat call to probe with.

The only module that imports `openai`. It knows the service's shapes and quirks and hides them
behind a few tolerant types; it decides nothing.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import isfinite
from typing import IO, TYPE_CHECKING, Any

from azure.core.exceptions import AzureError

from shared.cloud.identity import OPENAI_ROLE, Me, no_token, token_provider
from shared.cloud.throttling import retry_after
from shared.errors import Denied, Refused, ServiceError, Throttled, Unavailable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from shared.settings import Settings

ENDED = {"succeeded", "failed", "cancelled"}  # any other status, known or not, goes on
TRANSIENT = {408, 409, 423, 429}  # and everything from 500 up


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at the service. `status`: pending, running, processed, error, deleted."""

    id: str
    name: str
    status: str
    detail: str


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
class Metric:
    """Losses at one step; None where the service left a hole (it writes -1 or nothing).

    `checkpoint` is the model as it was then, where the service has kept it.
    """

    step: int
    train_loss: float | None
    valid_loss: float | None
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What the service says of a job: a sentence and, with the losses of a step, those."""

    id: str
    says: str
    metric: Metric | None


class FineTuning:
    """Every method raises Unavailable (ask again later; Denied: once there is a right to) or
    Refused (asking again is no use)."""

    def __init__(self, client: "AsyncOpenAI") -> None:
        self.client = client

    @classmethod
    def connect(cls, settings: "Settings", me: Me) -> "FineTuning":
        from openai import AsyncOpenAI

        # Repeating is the keeper's work, which first looks whether the effect took place:
        # the SDK would send "create job" up to three times, and each one may be a paid job.
        client = AsyncOpenAI(
            base_url=f"{settings.openai_endpoint.rstrip('/')}/openai/v1/",
            api_key=settings.openai_key or token_provider(me(), settings.openai_scope),
            max_retries=0,
            timeout=60,
        )
        return cls(client)

    async def close(self) -> None:
        await self.client.close()

    async def files(self, names: Container[str]) -> list[RemoteFile]:
        """Every file of one of these names, usable or not, the newest first."""
        with _translated("list files"):
            listed = self.client.files.list(purpose="fine-tune")
            found = [_file(file) async for file in listed]
        return [file for file in found if file.name in names]

    async def find_file(self, name: str) -> RemoteFile | None:
        """The newest usable file of that name."""
        named = await self.files({name})
        return next((file for file in named if file.status not in ("error", "deleted")), None)

    async def delete_file(self, file_id: str) -> None:
        """One that is gone already is as good."""
        with _translated(f"delete {file_id}"), _absent_is_none():
            await self.client.files.delete(file_id)

    async def upload(self, name: str, content: IO[bytes]) -> RemoteFile:
        with _translated(f"upload {name}"):
            return _file(await self.client.files.create(file=(name, content), purpose="fine-tune"))

    async def file(self, file_id: str) -> RemoteFile | None:
        """None if it is gone."""
        with _translated(f"read the state of {file_id}"), _absent_is_none():
            return _file(await self.client.files.retrieve(file_id))
        return None

    async def text(self, file_id: str) -> str:
        with _translated(f"download {file_id}"):
            return (await self.client.files.content(file_id)).text

    async def find_job(
        self, metadata: dict[str, str], training_file: str | None, past: Container[str]
    ) -> RemoteJob | None:
        """The newest job with this metadata or, where the service drops that, of this file.

        `past` are the ids of jobs that are known and not meant.
        """
        with _translated("list jobs"):
            async for job in self.client.fine_tuning.jobs.list():
                same_file = training_file == job.training_file and not job.metadata
                if job.id not in past and (job.metadata == metadata or same_file):
                    return _job(job)
        return None

    async def submit(self, request: JobRequest) -> RemoteJob:
        """Start a paid job. Never repeated here: see `connect`."""
        method: Any = {
            "type": request.method,
            request.method: {"hyperparameters": request.hyperparameters},
        }
        with _translated(f"start a job on {request.base_model}"):
            job = await self.client.fine_tuning.jobs.create(
                model=request.base_model,
                training_file=request.training_file,
                validation_file=request.validation_file,
                suffix=request.suffix,
                seed=request.seed,
                method=method,
                metadata=request.metadata,
                extra_body={"trainingType": request.training_type},  # Azure's own, not in the SDK
            )
            return _job(job)

    async def job(self, job_id: str) -> RemoteJob | None:
        """None if it is gone."""
        with _translated(f"read job {job_id}"), _absent_is_none():
            return _job(await self.client.fine_tuning.jobs.retrieve(job_id))
        return None

    async def cancel(self, job_id: str) -> None:
        with _translated(f"cancel job {job_id}"):
            await self.client.fine_tuning.jobs.cancel(job_id)

    async def pause(self, job_id: str) -> None:
        """Azure takes this once a job has made its first step."""
        with _translated(f"pause job {job_id}"):
            await self.client.fine_tuning.jobs.pause(job_id)

    async def resume(self, job_id: str) -> None:
        with _translated(f"resume job {job_id}"):
            await self.client.fine_tuning.jobs.resume(job_id)

    async def checkpoints(self, job_id: str) -> list[Metric]:
        """Losses at the end of each epoch, oldest first."""
        with _translated(f"read the checkpoints of {job_id}"):
            listed = self.client.fine_tuning.jobs.checkpoints.list(job_id)
            found = [_checkpoint(checkpoint) async for checkpoint in listed]
        return sorted(found, key=lambda metric: metric.step)

    async def recent_events(self, job_id: str) -> list[Event]:
        """The last hundred, oldest first. The service tells the newest first."""
        with _translated(f"read the events of {job_id}"):
            page = await self.client.fine_tuning.jobs.list_events(job_id, limit=100)
        return [Event(e.id, str(e.message), _metric(e)) for e in reversed(page.data)]

    async def ask(self, deployment: str, question: str) -> str:
        """One short chat answer straight from a deployment: the probe of its readiness."""
        with _translated(f"chat with {deployment}"):
            answer = await self.client.chat.completions.create(
                model=deployment,
                messages=[{"role": "user", "content": question}],
                max_completion_tokens=16,
            )
            return answer.choices[0].message.content or ""


def _file(file: Any) -> RemoteFile:
    name, status = getattr(file, "filename", None), getattr(file, "status", None)
    detail = getattr(file, "status_details", None)
    return RemoteFile(file.id, str(name or ""), str(status or "pending"), str(detail or ""))


def _job(job: Any) -> RemoteJob:
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
        error_message=str(getattr(error, "message", None) or ""),
    )


def _metric(event: Any) -> Metric | None:
    data = event.data if event.type == "metrics" else None
    if not isinstance(data, dict) or not isinstance(data.get("step"), int | float):
        return None
    return Metric(int(data["step"]), _loss(data.get("train_loss")), _loss(data.get("valid_loss")))


def _checkpoint(checkpoint: Any) -> Metric:
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


@contextmanager
def _absent_is_none() -> Iterator[None]:
    import openai

    with suppress(openai.NotFoundError):
        yield


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """The SDK's exceptions in this project's words."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise _service_error(what, error) from error
    except openai.APIConnectionError as error:
        raise Unavailable(f"Azure OpenAI could not be reached to {what}.") from error
    except AzureError as error:
        raise no_token(what, error) from error


def _service_error(what: str, error: Any) -> ServiceError:
    code = str(error.code or "")
    sentence = f"Azure OpenAI answered {error.status_code} {code} to: {what}.".replace("  ", " ")
    if error.status_code in (401, 403):
        return Denied(sentence, OPENAI_ROLE, code=code)
    if error.status_code >= 500 or error.status_code in TRANSIENT:
        kind = Throttled if error.status_code == 429 else Unavailable
        return kind(sentence, code=code, retry_after=retry_after(error.response.headers))
    return Refused(f"{sentence} It says: {_message(error)}", code=code)


def _message(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or "nothing more.")
