"""What is known of one run: the shape of run.json. Holds facts, decides nothing, does no I/O."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, PrivateAttr

from shared.run.spec import Spec
from shared.run.stages import ACTIVE, ENDS, Stage


class Share(StrEnum):
    """Which part of its blob a file is: all of it, or one side of a split."""

    ALL = "all"
    TRAINING = "training"
    VALIDATION = "validation"


class File(BaseModel):
    """One file of a drop; `size` in bytes. `file_id` is its id at the service, once it is there.

    Both files of a lone dataset lie in one blob, `sha256` is then the whole blob's.
    """

    name: str
    etag: str
    size: int
    sha256: str
    modified: datetime | None = None
    share: Share = Share.ALL
    examples: int | None = None
    file_id: str | None = None


class Moment(BaseModel):
    stage: Stage
    at: datetime


class Progress(BaseModel):
    """A job as last seen. Losses are None where the service has not measured.

    `changed_at` is when the step was last seen to move.
    """

    step: int | None = None
    total_steps: int | None = None
    train_loss: float | None = None
    valid_loss: float | None = None
    estimated_finish: datetime | None = None
    changed_at: datetime | None = None


class Epoch(BaseModel):
    """The end of an epoch. `checkpoint` can be deployed in the place of the finished model."""

    step: int
    train_loss: float | None
    valid_loss: float | None
    checkpoint: str | None = None


class Failure(BaseModel):
    """Why a run ended without serving. `blame` says who can mend it: caller, service or us."""

    message: str
    fix: str
    blame: str


class What(StrEnum):
    """What may be ordered: by people, and the last one by the keeper when a stage is overdue."""

    START = "start"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    GIVE_UP = "give up"


class Order(BaseModel):
    """What somebody has asked for; it stays in the record until it is carried out."""

    what: What
    who: str
    why: str
    at: datetime


class Run(BaseModel):
    id: str
    model: str
    stage: Stage = Stage.RECEIVED
    spec: Spec
    training: File
    validation: File | None = None
    timeline: list[Moment] = []
    attempt: int = 1  # one more each time that it is taken up again
    submitting_since: datetime | None = None  # the intent: written before the job is created
    job_id: str | None = None
    past_jobs: list[str] = []  # of earlier tries; they are never adopted again
    heard: str | None = None  # id of the last of the job's events that the log has
    missing: str | None = None  # why it last had to do without something, as its log says
    progress: Progress = Progress()
    epochs: list[Epoch] = []
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    version: int | None = None
    deployment: str | None = None
    order: Order | None = None
    waiting_for: str | None = None  # what the last look found in the way
    tries: int = 0  # looks in a row that found something in the way
    not_before: datetime | None = None  # the next try, after such a look
    failure: Failure | None = None
    _etag: str = PrivateAttr("")

    @property
    def files(self) -> list[File]:
        return [self.training, *([self.validation] if self.validation else [])]

    @property
    def ended(self) -> bool:
        return self.stage in ENDS

    @property
    def ending(self) -> bool:
        """Whether its end is ordered: nothing else can be asked of it then."""
        return self.order is not None and self.order.what in (What.CANCEL, What.GIVE_UP)

    @property
    def came_from(self) -> Stage:
        """The active stage in which the run is, or was before it ended."""
        return next(m.stage for m in reversed(self.timeline) if m.stage in ACTIVE)

    @property
    def since(self) -> datetime:
        """When the run came to its stage."""
        return self.timeline[-1].at

    @property
    def may_start_over(self) -> bool:
        """Ended before anything was paid for, by a cause that another drop may have mended."""
        mendable = (Stage.SUPERSEDED, Stage.FAILED, Stage.CANCELLED)
        return self.stage in mendable and self.job_id is None

    def resting(self, at: datetime) -> bool:
        return self.not_before is not None and at < self.not_before


def now() -> datetime:
    return datetime.now(UTC)


SUMMARY = {
    "id",
    "model",
    "stage",
    "training",
    "validation",
    "timeline",
    "progress",
    "epochs",
    "version",
    "order",
    "waiting_for",
    "failure",
}


def summary(run: Run) -> dict[str, Any]:
    """A run as lists show it."""
    return run.model_dump(mode="json", include=SUMMARY)
