"""What a step has come to, and what that makes of the run. Pure: no I/O.

A step is given the run as it was read and returns an Outcome; `apply` makes the next version of the
run of it and the lines for its log, and the ledger writes both. A step that raises has changed
nothing: an error becomes an outcome made from the run as it was read (`reconciler`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.errors import TunedropError, Unavailable
from shared.run.policy import Policy
from shared.run.record import LONGEST_PAUSE, Action, Command, Failure, Progress, Run, Transition
from shared.run.stages import ENDS, Event, next_stage

BY_ITSELF = "tunedrop"  # who did it, where no person has asked for it


LOG_KINDS = {  # of lines of a run's log, each with what it tells
    "stage": "the run has come to a stage",
    "check": "what the check of the dataset has found, in a sentence",
    "job": "a job was asked for, found or not asked for",
    "service": "a message of the service about the job, or its refusal",
    "checkpoint": "which checkpoint becomes the version",
    "deployment": "what has become of a deployment, and what is in its way",
    "verdict": "how the version compares",
    "champion": "its version has become the champion",
    "command": "what a person has asked for, and what came of it",
    "drop": "the same content was dropped again, or files beside it",
    "waiting": "what the run waits for",
    "conflict": "what was not taken, because another worker changed the run meanwhile",
    "clock": "times in the record lay ahead of the app's clock, and were set back",
    "files": "its files at the service are deleted",
}


@dataclass(frozen=True)
class LogLine:
    """A line of the run's log: what happened, who wanted it and why. `kind`: of LOG_KINDS."""

    kind: str
    message: str
    who: str = BY_ITSELF
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """`run`: as the step leaves it, but for what `apply` changes: stage, timeline and waiting.

    `event`: what was observed; the next stage follows from it.
    `log`: what the run's log is to say of it.
    `then`: what this worker does next, once the outcome is written; another worker that finds the
        run takes its stage's own step. For what must be durable in the middle of a step.
    `waiting_for`, `error`: what is in the way: a person, or a failure that another try may pass.
    `unanswered`: it still waits for an answer; what is in the way stays as it was.
    `refusal`: why the run cannot go on.
    `on_conflict`: what is done where another worker has written the run meanwhile, so that what the
        step has brought about outside is not lost with the outcome.
    `finished`: an ended run needs no more care.
    """

    run: Run
    event: Event | None = None
    log: tuple[LogLine, ...] = ()
    then: "Callable[[Run, Any], Awaitable[Outcome]] | None" = None
    waiting_for: str | None = None
    error: Unavailable | None = None
    unanswered: bool = False
    refusal: TunedropError | None = None
    on_conflict: Callable[[], Awaitable[None]] | None = None
    finished: bool = False

    def but(self, *log: LogLine, **changes: Any) -> "Outcome":
        """The same outcome with more lines in its log and other values in its run."""
        return replace(self, run=self.run.replace(**changes), log=(*self.log, *log))

    def with_event(self, event: Event | None) -> "Outcome":
        return replace(self, event=event)

    def waits(self, reason: str) -> "Outcome":
        """The same, waiting for what a person should know of at once: its log has it once."""
        lines = () if self.run.waiting_for == reason else (LogLine("waiting", reason),)
        return replace(self, waiting_for=reason, log=(*self.log, *lines))

    @property
    def obstacle(self) -> str | None:
        return str(self.error) if self.error else self.waiting_for

    @property
    def idle(self) -> bool:
        """Whether it brings the run no further for now."""
        return self.event is None and self.then is None


def abandon(outcome: Outcome, failure: Failure, now: datetime) -> Outcome:
    """Command a run's end: whatever it has that costs is stopped before it is over."""
    command = Command(action=Action.ABANDON, who=BY_ITSELF, why=failure.message, at=now)
    line = LogLine("command", Action.ABANDON, why=failure.message)
    commanded = Outcome(outcome.run, log=outcome.log)
    return commanded.but(line, command=command, failure=failure)


def apply(
    before: Run, outcome: Outcome, policy: Policy, now: datetime, chance: float
) -> tuple[Run, tuple[LogLine, ...]]:
    """The run as it is to be written after the outcome, and the lines for its log."""
    run, lines = _waiting(before, outcome, policy, now, chance)
    if outcome.event is None:
        return run, (*outcome.log, *lines)
    run, line = _transition(before, run, outcome.event, now)
    return run, (*outcome.log, *lines, line)


def _waiting(
    before: Run, outcome: Outcome, policy: Policy, now: datetime, chance: float
) -> tuple[Run, tuple[LogLine, ...]]:
    """What is in the way now; the log has it once, however often it is met in a row."""
    run, error = outcome.run, outcome.error
    if outcome.then or outcome.unanswered:
        return run, ()  # a worker, or the service, is still at it
    if error is None:
        return run.replace(waiting_for=outcome.waiting_for, tries=0, not_before=None), ()
    tries = run.tries + 1
    pause = policy.pause(tries, error.retry_after, chance)
    known = before.waiting_for == str(error)
    lines = () if known else (LogLine("waiting", str(error)),)
    pause = min(pause, LONGEST_PAUSE)
    waiting = run.replace(waiting_for=str(error), tries=tries, not_before=now + pause, pause=pause)
    return waiting, lines


def _transition(before: Run, run: Run, event: Event, now: datetime) -> tuple[Run, LogLine]:
    """The run in its next stage, in the name of whoever gave the command that led to it."""
    stage = next_stage(before.stage, event, before.last_active)
    ended = stage in ENDS
    reason = (run.held or (run.failure and run.failure.message) or event) if ended else event
    who, why = (before.command.who, before.command.why) if before.command else (BY_ITSELF, "")
    changed = run.replace(
        stage=stage,
        timeline=(*run.timeline, Transition(stage=stage, at=now)),
        waiting_for=None,
        not_before=None,
        last_warning=None,
        tries=0,
        command=None if ended else run.command,
    )
    return changed, LogLine("stage", f"{stage}: {reason}", who, why)


def without_its_end(run: Run, event: Event) -> Run:
    """What belonged to the attempt that has ended; a job that is over is never adopted again."""
    reopened = run.replace(nameless_since=None, failure=None, command=None, closing=False)
    reopened = reopened.replace(held="", compared="")
    if event is Event.JOB_REJOINED:
        return reopened
    reopened = reopened.replace(attempt=run.attempt + 1, asked_at=None)
    # They are deleted at the end of each attempt.
    reopened = reopened.with_files(*(file.replace(file_id=None) for file in run.files))
    if not run.job_id or run.fine_tuned_model:
        return reopened
    return reopened.replace(
        past_jobs=(*run.past_jobs, run.job_id),
        job_id=None,
        last_event_id=None,
        progress=Progress(),
        epochs=(),
    )
