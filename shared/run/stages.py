"""What may follow what in the life of a run, as data. Pure: no I/O, no clock.

docs/life-of-a-run.md is made from it.
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
