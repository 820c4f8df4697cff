"""What is known of one run: the shape of run.json. Frozen: a step makes a changed copy, and only
the ledger writes it. Holds facts, decides nothing, does no I/O."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from shared.cloud.documents import Count, Document, Frozen, Moment
from shared.run.spec import DeploymentSpec, Spec
from shared.run.stages import ACTIVE, ENDS, Stage

LONGEST_PAUSE = timedelta(hours=1, minutes=6)  # that any version of the app has made
SKEW = timedelta(seconds=5)  # by which the clocks of two hosts may well differ
Pause = Annotated[timedelta, Field(ge=timedelta(0), le=LONGEST_PAUSE)]


class Share(StrEnum):
    """Which part of its blob a file is: all of it, or one side of a split."""

    ALL = "all"
    TRAINING = "training"
    VALIDATION = "validation"


class File(Frozen):
    """One file of a drop; `size` in bytes. `file_id` is its id at the service, once it is there.

    Both files of a lone dataset lie in one blob, `sha256` and `size` are then the whole blob's.
    `content_sha256` is always the file's own: of the bytes that the check has judged, and nothing
    else is sent to the service. None before the check, and in records from before it was kept.
    """

    name: str
    etag: str
    size: Count
    sha256: str
    content_sha256: str | None = None
    modified: Moment | None = None
    share: Share = Share.ALL
    examples: Count | None = None
    file_id: str | None = None


class Transition(Frozen):
    """When a run came to a stage."""

    stage: Stage
    at: Moment


class Progress(Frozen):
    """A job as last seen. Losses are None where the service has not measured.

    `changed_at` is when the step was last seen to move.
    """

    step: Count | None = None
    total_steps: Count | None = None
    train_loss: float | None = None
    valid_loss: float | None = None
    estimated_finish: Moment | None = None
    changed_at: Moment | None = None


class Epoch(Frozen):
    """The end of an epoch. `checkpoint` can be deployed in the place of the finished model."""

    step: Count
    train_loss: float | None
    valid_loss: float | None
    checkpoint: str | None = None


class Predicted(Frozen):
    """What the check has said that the training would take: tokens of all epochs, and USD at list
    price, None where no price is known. `at_most` where there are images."""

    tokens: Count
    usd: float | None
    at_most: bool = False


class Failure(Frozen):
    """Why a run ended without serving. `blame` is who can act on it: caller, service or us."""

    message: str
    fix: str
    blame: str


class Action(StrEnum):
    """What may be asked of a run: by people, `promote` of its version, and the last one by the
    reconciler when a stage is overdue or a step was refused."""

    START = "start"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    DEPLOY = "deploy"
    PROMOTE = "promote"
    ABANDON = "abandon"


class Command(Frozen):
    """An action that somebody has asked for; it stays in the record until it is carried out."""

    action: Action
    who: str
    why: str
    at: Moment


class Run(Document):
    """`digest` is the SHA-256 of content and settings that the id begins; empty in records from
    before it was kept. `asked_deployment` is how its drop asked for the model to be deployed, where
    a person has asked for something else since: that is in `spec` then."""

    newest_schema: ClassVar[int] = 2  # since runs are compared before they serve

    id: str
    model: str
    digest: str = ""
    stage: Stage = Stage.RECEIVED
    spec: Spec
    training: File
    validation: File | None = None
    assertions: File | None = None  # a promptfoo file, about the answers of what is trained
    asked_deployment: DeploymentSpec | None = None
    left_out: tuple[str, ...] = ()  # the first names of older files beside its own, in no run
    left_out_more: Count = 0
    timeline: tuple[Transition, ...] = ()
    attempt: Count = 1  # one more each time that it is reopened
    asked_at: Moment | None = None  # "create job" was last sent then, and not answered since
    job_id: str | None = None
    past_jobs: tuple[str, ...] = ()  # of earlier attempts; they are never adopted again
    last_event_id: str | None = None  # the last of the job's events that the log has
    last_warning: str | None = None  # why it last went on without something, as its log has it
    progress: Progress = Progress()
    epochs: tuple[Epoch, ...] = ()
    nameless_since: Moment | None = None  # its job has succeeded, and the model is not named yet
    fine_tuned_model: str | None = None
    predicted: Predicted | None = None
    trained_tokens: Count | None = None
    version: Count | None = None
    deployment: str | None = None
    command: Command | None = None
    waiting_for: str | None = None  # what the last look found in the way
    tries: Count = 0  # looks in a row that found something in the way
    not_before: Moment | None = None  # the next try, after such a look
    pause: Pause = LONGEST_PAUSE  # between that look and the next try
    failure: Failure | None = None
    compared: str = ""  # what the comparison of its version has said, or why there was none
    held: str = ""  # why its version is not promoted by itself
    lost_checks: Count = 0  # whose process ended without an answer, in a row
    closing: bool = False  # it has ended and deletes its files at the service, as its log has it
    etag: str = Field("", exclude=True)  # of the record as it was read; no part of it

    def misfit(self, name: str) -> str | None:
        if name != f"{self.id}/run.json" or self.id.rpartition("-")[0] != self.model:
            return "it is of another run"
        if not any(past.stage in ACTIVE for past in self.timeline):
            return "its timeline has no beginning"
        return None

    def to_deploy(self, wanted: DeploymentSpec, *, by_drop: bool = False) -> Self:
        """A copy whose model is deployed in another way: as its drop asks for, or as a person."""
        asked = None if by_drop else self.dropped_deployment
        return self.replace(
            spec=self.spec.model_copy(update={"deployment": wanted}),
            asked_deployment=None if asked == wanted else asked,
        )

    @property
    def dropped_deployment(self) -> DeploymentSpec:
        """How its last drop asked for the model to be deployed."""
        return self.asked_deployment or self.spec.deployment

    def with_files(self, *files: File) -> Self:
        """A copy with other training and validation files, in this order."""
        return self.replace(training=files[0], validation=files[1] if files[1:] else None)

    @property
    def files(self) -> list[File]:
        return [self.training, *([self.validation] if self.validation else [])]

    @property
    def ended(self) -> bool:
        return self.stage in ENDS

    @property
    def ending(self) -> bool:
        """Whether its end is commanded: nothing else can be asked of it then."""
        ends = (Action.CANCEL, Action.ABANDON)
        return self.command is not None and self.command.action in ends

    @property
    def last_active(self) -> Stage:
        """The active stage in which the run is, or was before it ended."""
        return next(past.stage for past in reversed(self.timeline) if past.stage in ACTIVE)

    @property
    def since(self) -> datetime:
        """When the run came to its stage."""
        return self.timeline[-1].at

    @property
    def may_start_over(self) -> bool:
        """Ended before anything was paid for, by a cause that another drop may have removed."""
        removable = (Stage.SUPERSEDED, Stage.FAILED, Stage.CANCELLED, Stage.REJECTED)
        return self.stage in removable and self.job_id is None and not self.past_jobs

    @property
    def without_model(self) -> bool:
        """Ended with a job that nothing has come of: only a person has another one asked for."""
        return self.ended and not self.fine_tuned_model and bool(self.job_id or self.past_jobs)

    @property
    def may_take_limits(self) -> bool:
        """No job was asked for, so a drop may still say what it may cost and who starts it."""
        return self.stage is not Stage.SUBMITTING and not (self.job_id or self.past_jobs)

    @property
    def dropped_at(self) -> datetime:
        """When its training file came, by storage's clock, which is one for all hosts."""
        return self.training.modified or self.timeline[0].at

    def resting(self, at: datetime) -> bool:
        """Never for longer than the pause, whatever clock has told when it ends."""
        return self.not_before is not None and self.not_before - self.pause <= at < self.not_before

    def settled(self, at: datetime) -> Self:
        """A copy in which what has happened does not lie ahead of `at`; by a little it may."""
        latest = at + SKEW

        def past(told: datetime) -> datetime:
            return at if told > latest else told

        timeline = tuple(moment.replace(at=past(moment.at)) for moment in self.timeline)
        asked_at = past(self.asked_at) if self.asked_at else None
        return self.replace(timeline=timeline, asked_at=asked_at)


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
    "command",
    "waiting_for",
    "failure",
    "compared",
    "held",
}


def summary(run: Run) -> dict[str, Any]:
    """A run as lists show it."""
    return run.model_dump(mode="json", include=SUMMARY)
