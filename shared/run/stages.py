"""What may follow what in the life of a run, as data. Pure: no I/O, no clock.

`python -m shared.run.stages` prints the diagram for docs/life-of-a-run.md.
"""

from datetime import timedelta
from enum import StrEnum


class Stage(StrEnum):
    RECEIVED = "received"  # the files of one drop are known
    READY = "ready"  # the dataset is good; a person has to start it
    CHECKED = "checked"  # the dataset is good
    UPLOADED = "uploaded"  # the service has processed the files
    SUBMITTED = "submitted"  # a job exists and waits
    TRAINING = "training"
    PAUSED = "paused"  # the job holds its place until a person resumes it
    TRAINED = "trained"  # there is a fine-tuned model
    DEPLOYING = "deploying"  # Azure Resource Manager has been asked
    PROBING = "probing"  # it says ready; a real chat will tell
    SERVING = "serving"
    REJECTED = "rejected"  # the dataset is not good; nothing was sent
    FAILED = "failed"
    CANCELLED = "cancelled"  # by an order, in the portal, or by somebody else
    SUPERSEDED = "superseded"  # its files were replaced before a job was asked for


class Seen(StrEnum):
    """What a step has observed; None instead of it means: nothing new, look again later."""

    DROPPED = "dropped again"
    GOOD = "dataset is good"
    GOOD_MANUAL = "dataset is good, start is manual"
    ORDERED = "ordered to start"
    BAD = "dataset is bad"
    REPLACED = "files were replaced"
    PROCESSED = "files are processed"
    VANISHED = "files are gone"
    ACCEPTED = "job exists"
    STARTED = "job runs"
    PAUSED = "job is paused"
    SUCCEEDED = "job succeeded"
    REQUESTED = "deployment requested"
    PROVISIONED = "deployment is ready"
    ANSWERED = "model answered"
    CANCELLED = "cancelled"
    FAILED = "cannot go on"
    RETRIED = "ordered to try again"
    REJOINED = "ordered to try again, its job is alive"


LIFE: dict[tuple[Stage, Seen], Stage] = {
    (Stage.RECEIVED, Seen.GOOD): Stage.CHECKED,
    (Stage.RECEIVED, Seen.GOOD_MANUAL): Stage.READY,
    (Stage.RECEIVED, Seen.BAD): Stage.REJECTED,
    (Stage.RECEIVED, Seen.REPLACED): Stage.SUPERSEDED,
    (Stage.READY, Seen.ORDERED): Stage.CHECKED,
    (Stage.READY, Seen.REPLACED): Stage.SUPERSEDED,
    (Stage.CHECKED, Seen.PROCESSED): Stage.UPLOADED,
    (Stage.CHECKED, Seen.REPLACED): Stage.SUPERSEDED,
    (Stage.UPLOADED, Seen.VANISHED): Stage.CHECKED,
    (Stage.UPLOADED, Seen.ACCEPTED): Stage.SUBMITTED,
    (Stage.SUBMITTED, Seen.STARTED): Stage.TRAINING,
    (Stage.SUBMITTED, Seen.PAUSED): Stage.PAUSED,
    (Stage.SUBMITTED, Seen.SUCCEEDED): Stage.TRAINED,
    (Stage.TRAINING, Seen.PAUSED): Stage.PAUSED,
    (Stage.TRAINING, Seen.SUCCEEDED): Stage.TRAINED,
    (Stage.PAUSED, Seen.STARTED): Stage.TRAINING,
    (Stage.PAUSED, Seen.SUCCEEDED): Stage.TRAINED,
    (Stage.TRAINED, Seen.REQUESTED): Stage.DEPLOYING,
    (Stage.DEPLOYING, Seen.PROVISIONED): Stage.PROBING,
    (Stage.PROBING, Seen.ANSWERED): Stage.SERVING,
}

ENDS = frozenset({Stage.SERVING, Stage.REJECTED, Stage.FAILED, Stage.CANCELLED, Stage.SUPERSEDED})
ACTIVE = frozenset(Stage) - ENDS
UNSENT = frozenset({Stage.RECEIVED, Stage.READY})  # nothing has been brought to the service yet

# Any active stage may come to these as well.
ANYWHERE = {Seen.FAILED: Stage.FAILED, Seen.CANCELLED: Stage.CANCELLED}

# Where a run is taken up again that ended in this stage: the last good one. A job that is alive or
# has succeeded is followed again and never paid for twice; one that failed or was cancelled is not
# continued, and its files are brought again.
RESUMES: dict[Stage, Stage] = {
    Stage.RECEIVED: Stage.RECEIVED,
    Stage.READY: Stage.READY,
    Stage.CHECKED: Stage.CHECKED,
    Stage.UPLOADED: Stage.CHECKED,
    Stage.SUBMITTED: Stage.CHECKED,
    Stage.TRAINING: Stage.CHECKED,
    Stage.PAUSED: Stage.CHECKED,
    Stage.TRAINED: Stage.TRAINED,
    Stage.DEPLOYING: Stage.TRAINED,
    Stage.PROBING: Stage.TRAINED,
}

AGAIN = {Seen.DROPPED: Stage.RECEIVED, Seen.REJOINED: Stage.SUBMITTED}

# The longest that each stage may see nothing new before it is given up. They are generous, for an
# outage of the service is not the run's fault. READY and PAUSED wait for a person, however long.
DEADLINES: dict[Stage, timedelta] = {
    Stage.RECEIVED: timedelta(days=1),
    Stage.CHECKED: timedelta(days=7),  # there may be no room for its files until others have ended
    Stage.UPLOADED: timedelta(days=7),  # the account's queue of jobs may be full for days
    Stage.SUBMITTED: timedelta(days=7),
    Stage.TRAINING: timedelta(days=31),  # the service itself ends a job after 720 hours
    Stage.TRAINED: timedelta(days=1),
    Stage.DEPLOYING: timedelta(days=1),
    Stage.PROBING: timedelta(hours=6),
}


def following(stage: Stage, seen: Seen, came_from: Stage = Stage.RECEIVED) -> Stage:
    """The stage after `seen`. Raises KeyError for what cannot be.

    `came_from` is the active stage in which an ended run was: it is taken up again from there.
    """
    if stage in ACTIVE and seen in ANYWHERE:
        return ANYWHERE[seen]
    if stage in ENDS - {Stage.SERVING}:
        return {**AGAIN, Seen.RETRIED: RESUMES[came_from]}[seen]
    return LIFE[stage, seen]


def diagram() -> str:
    """The life of a run as a Mermaid state diagram."""
    arrows = [f"    {stage} --> {after}: {seen}" for (stage, seen), after in LIFE.items()]
    again = [
        f"    {end} --> {stage}: {Seen.RETRIED}"
        for end in (Stage.FAILED, Stage.CANCELLED)
        for stage in dict.fromkeys(RESUMES.values())
    ]
    again += [
        f"    {end} --> {Stage.SUBMITTED}: {Seen.REJOINED}"
        for end in (Stage.FAILED, Stage.CANCELLED)
    ]
    again += [
        f"    {end} --> {Stage.RECEIVED}: {Seen.RETRIED}"
        for end in (Stage.REJECTED, Stage.SUPERSEDED)
    ]
    ends = [f"    {stage} --> [*]" for stage in Stage if stage in ENDS]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Stage.RECEIVED}", *arrows, *again, *ends])


_PAGE = """# The life of a run

Made by `python -m shared.run.stages > docs/life-of-a-run.md`, from the table that the keeper
itself follows. Any stage that is not an end may also go to `failed`, and to `cancelled` when
somebody orders it or the job is cancelled elsewhere: the run then says what happened, whose move it
is and what to do. Dropping the same content again takes up a run that ended before anything was
paid for; `POST /api/runs/{{id}}/retry` takes up any that does not serve, from its last good stage.

```mermaid
{diagram}
```

Nothing waits for ever. A stage that sees nothing new for this long is given up, with the reason;
time in which the app itself was not running does not count.

| stage | given up after |
|---|---|
{deadlines}"""


def page() -> str:
    rows = [f"| `{stage}` | {_words(limit)} |" for stage, limit in DEADLINES.items()]
    rows += [f"| `{stage}` | never: it waits for a person |" for stage in ACTIVE_AND_PATIENT]
    return _PAGE.format(diagram=diagram(), deadlines="\n".join(rows))


def _words(limit: timedelta) -> str:
    count, unit = (limit.days, "day") if limit.days else (limit.seconds // 3600, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"


ACTIVE_AND_PATIENT = tuple(stage for stage in Stage if stage in ACTIVE and stage not in DEADLINES)

if __name__ == "__main__":
    print(page())  # noqa: T201
