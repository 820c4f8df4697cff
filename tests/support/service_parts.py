"""The parts of the service's double: files, jobs and deployments, and what follows for each from
the time. Knows no calls."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from types import SimpleNamespace
from typing import Any

from shared.cloud.remote import ENDED, JobEvent, JobRequest, Metric, RemoteFile, RemoteJob

CALL_FAULTS = {
    "error-before": (500, "internalFailure", {}),
    "error-after": (500, "internalFailure", {}),
    "reset-before": None,
    "reset-after": None,
    "throttled": (429, "429", {"retry-after": 1}),
    "throttled-ms": (429, "429", {"retry-after-ms": 200}),
    "throttled-date": (429, "429", {"retry-after": 1}),
    "unavailable": (503, "serviceUnavailable", {"retry-after": 1}),
    "denied": (401, "PermissionDenied", {}),
}
REFUSED = "refused"  # with the answer that its options give: status, code, message
UNSAFE_DATA = "The provided training data failed RAI checks for harm types: [violence]."
UNSAFE_MODEL = "This model is unable to be deployed. Model evaluation identified [Violence]."
STEPS_PER_EPOCH, EPOCHS = 5, 2  # unless the hyperparameters say otherwise


@dataclass
class Limits:
    file_limit: int = 100
    job_limit: int = 100
    queue_limit: int = 20
    deployment_limit: int = 10
    file_seconds: float = 0.1
    queue_seconds: float = 0.0
    step_seconds: float = 1.0
    creating_seconds: float = 1.0
    readiness_gap_seconds: float = 1.0
    deleting_seconds: float = 1.0


class Refusal(Exception):
    """A refusal in the shape that SDKs give it, for `translate.service_error`."""

    def __init__(self, status: int, code: str, message: str, headers: Any = None) -> None:
        super().__init__(message)
        self.status_code, self.code = status, code
        self.body = {"message": message}
        self.response = SimpleNamespace(headers=headers or {})


@dataclass
class Fault:
    name: str
    operation: str
    count: int | None
    options: dict[str, Any]
    struck: int = 0

    def as_error(self) -> Exception:
        if self.name == REFUSED:
            return Refusal(**self.options)
        known = CALL_FAULTS[self.name]
        if known is None:
            return ConnectionResetError()
        status, code, headers = known
        given = {key.replace("_", "-"): value for key, value in self.options.items()}
        sent = {key: str(value) for key, value in {**headers, **given}.items()}
        return Refusal(status, code, self.name, sent)


@dataclass
class StoredFile:
    id: str
    name: str
    content: bytes
    done_at: datetime | None  # None: it stays pending
    error: bool = False
    purpose: str = "fine-tune"

    def status(self, now: datetime) -> str:
        if self.done_at is None or now < self.done_at:
            return "pending"
        return "error" if self.error else "processed"

    def as_remote(self, now: datetime) -> RemoteFile:
        return RemoteFile(self.id, self.name, self.status(now), "", len(self.content))


@dataclass
class StoredJob:
    id: str
    request: JobRequest
    examples: int
    start_at: datetime  # or go on, where it was paused
    fault: str | None
    status: str = "pending"
    steps: int = 0
    stepped_at: datetime | None = None
    cancelling: bool = False
    result_file: str | None = None
    error: tuple[str, str] = ("", "")
    events: list[JobEvent] = field(default_factory=list)
    checkpoints: list[Metric] = field(default_factory=list)

    def __post_init__(self) -> None:
        asked = self.request.hyperparameters
        self.n_epochs = int(asked.get("n_epochs", EPOCHS))
        self.batch_size = int(asked.get("batch_size", ceil(self.examples / STEPS_PER_EPOCH)))
        self.per_epoch = ceil(self.examples / self.batch_size)
        self.total_steps = self.per_epoch * self.n_epochs
        name = f"{self.request.base_model}.ft-{self.id.removeprefix('ftjob-')}"
        self.model = f"{name}-{self.request.suffix}" if self.request.suffix else name

    @property
    def waiting(self) -> bool:
        return self.status in ("pending", "resuming")

    @property
    def at_work(self) -> bool:
        return self.status in ("running", "pausing")

    def advance(self, now: datetime, step_seconds: float, files: set[str]) -> None:
        """As far as it has come by now; it reads its files when it starts."""
        if self.waiting and self.fault != "job-stuck" and now >= self.start_at:
            self._start(files)
        pause = timedelta(seconds=step_seconds)
        while self.at_work and self.stepped_at and self.stepped_at + pause <= now:
            self.stepped_at += pause
            self._step()

    def _start(self, files: set[str]) -> None:
        self.status, self.stepped_at = "running", self.start_at
        self.add_event("Job started.")
        if self.fault == "job-unsafe-data":
            self._fail("contentFilter", UNSAFE_DATA)
        elif self.request.training_file not in files:
            self._fail("invalid_training_file", "The training file no longer exists.")

    def _step(self) -> None:
        if self.cancelling:
            self._end("cancelled", "Job cancelled.")
        elif self.status == "pausing":
            self._checkpoint()  # what a paused job has learned can be deployed
            self._end("paused", "Job paused.")
        else:
            self._train_step()

    def _train_step(self) -> None:
        self.steps += 1
        loss = 2.0 / self.steps
        self.add_event(f"Step {self.steps}: training loss={loss}", Metric(self.steps, loss, None))
        if self.fault == "job-failed" and self.steps * 2 >= self.total_steps:
            self._fail("internalFailure", "The job failed. Please try again.")
            return
        if self.steps % self.per_epoch == 0:
            self._checkpoint()
        if self.steps == self.total_steps and self.fault == "job-unsafe-model":
            self._fail("contentFilter", UNSAFE_MODEL)
        elif self.steps == self.total_steps:
            self._end("succeeded", "Job succeeded.")

    def _checkpoint(self) -> None:
        loss = 2.0 / self.steps
        valid = loss if self.request.validation_file else None
        name = f"{self.model}:ckpt-step-{self.steps}"
        self.checkpoints.append(Metric(self.steps, loss, valid, name))

    def _end(self, status: str, message: str) -> None:
        self.status = status
        self.add_event(message)

    def _fail(self, code: str, message: str) -> None:
        self.error = (code, message)
        self._end("failed", message)

    def cancel(self, now: datetime) -> None:
        """One that does not train ends at once; one that does within a step."""
        if self.status in ENDED:
            raise _wrong_state(f"The job is already {self.status}.")
        self.cancelling = True
        if not self.at_work:
            self._end("cancelled", "Job cancelled.")

    def pause(self) -> None:
        if self.status != "running" or not self.steps:
            raise _wrong_state("Only a running job that has made a step can be paused.")
        self.status = "pausing"

    def resume(self, now: datetime) -> None:
        if self.status != "paused":
            raise _wrong_state(f"The job is {self.status}, not paused.")
        self.status, self.start_at = "resuming", now

    def add_event(self, message: str, metric: Metric | None = None) -> None:
        self.events.append(JobEvent(f"{self.id}-event-{len(self.events)}", message, metric))

    def table(self) -> bytes:
        rows = [f"{e.metric.step},{e.metric.train_loss},\n" for e in self.events if e.metric]
        return "".join(["step,train_loss,valid_loss\n", *rows]).encode()

    def as_remote(self) -> RemoteJob:
        done, started = self.status == "succeeded", self.stepped_at is not None
        return RemoteJob(
            id=self.id,
            status=self.status,
            fine_tuned_model=self.model if done else None,
            result_file=self.result_file,
            estimated_finish=None,
            n_epochs=self.n_epochs if started else None,
            batch_size=self.batch_size if started else None,
            trained_tokens=self.examples * self.n_epochs * 10 if done else None,
            error_code=self.error[0],
            error_message=self.error[1],
        )


@dataclass
class StoredDeployment:
    """A deployment."""

    name: str
    model: str
    created_at: datetime
    ready_at: datetime
    fault: str | None
    gone_at: datetime | None = None
    sku: str = "GlobalStandard"
    capacity: int = 1
    format: str = "OpenAI"

    asked_at: datetime | None = None
    used_at: datetime | None = None

    def gone(self, now: datetime) -> bool:
        """Deleted, after 15 days without a chat, or of the developer tier, after a day."""
        ends = [self.gone_at]
        if self.asked_at:
            ends.append(max(self.used_at or self.asked_at, self.asked_at) + timedelta(days=15))
            ends.append(self.asked_at + timedelta(hours=24) if self.is_developer else None)
        return any(end is not None and now >= end for end in ends)

    @property
    def is_developer(self) -> bool:
        return self.sku == "DeveloperTier"

    def state(self, now: datetime) -> str:
        if self.gone_at:
            return "Deleting"
        if self.fault == "provisioning-stuck" or now < self.created_at:
            return "Creating"
        return "Failed" if self.fault == "provisioning-failed" else "Succeeded"

    def answers(self, now: datetime) -> bool:
        return self.fault is None and self.gone_at is None and now >= self.ready_at


def _wrong_state(message: str) -> Refusal:
    return Refusal(400, "unexpectedEntityState", message)


def invalid(message: str) -> Refusal:
    return Refusal(400, "invalidPayload", message)


def no_room(code: str, count: int, what: str) -> Refusal:
    return Refusal(400, code, f"The resource has {count} {what} already.")


def no_quota(capacity: int, left: int) -> str:
    """In the service's words."""
    quota = "quota Tokens Per Minute (thousands) - gpt-4.1-nano"
    return (
        f"This operation require {capacity} new capacity in {quota}, which is bigger than the "
        f"current available capacity {left}. The current quota usage is 0 and the quota limit is "
        f"{left} for {quota}."
    )


def no_sku(sku: str, model: str) -> str:
    said = f"The specified SKU '{sku}' of account deployment is not supported by the model"
    return f"{said} '{model}' version: '1'."
