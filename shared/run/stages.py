"""What may follow what in the life of a run, as data. Pure: no I/O, no clock.

docs/life-of-a-run.md has the diagram that is made from this table.
"""

from datetime import timedelta
from enum import StrEnum


class Stage(StrEnum):
    RECEIVED = "received"  # the files of one drop are known
    READY = "ready"  # the dataset is good; a person has to start it
    CHECKED = "checked"  # the dataset is good
    UPLOADED = "uploaded"  # the service has processed the files
    SUBMITTING = "submitting"  # "create job" may have been sent; there may be a job, and its cost
    SUBMITTED = "submitted"  # a job exists and waits
    TRAINING = "training"
    PAUSED = "paused"  # the job holds its place until a person resumes it
    TRAINED = "trained"  # there is a fine-tuned model
    DEPLOYING = "deploying"  # Azure Resource Manager has been asked
    PROBING = "probing"  # the deployment is ready by its own account; a real chat is the proof
    COMPARING = "comparing"  # beside the champion and the base model, before chat goes to it
    SERVING = "serving"
    HELD = "held"  # deployed, and not the champion: a person may promote it
    REJECTED = "rejected"  # the dataset is not good; nothing was sent
    FAILED = "failed"
    CANCELLED = "cancelled"  # by a command, in the portal, or by another tool
    SUPERSEDED = "superseded"  # its files were replaced before a job was asked for


class Event(StrEnum):
    """What a step has observed or done; None instead of it means: nothing new, look again later."""

    DATASET_ACCEPTED = "dataset is good"
    START_REQUIRED = "dataset is good, start is manual"
    DATASET_REJECTED = "dataset is bad"
    FILES_REPLACED = "files were replaced"
    FILES_PROCESSED = "files are processed"
    FILES_MISSING = "files are gone"
    PAID_BEFORE = "another run has paid for it"
    JOB_INTENDED = "job is asked for"
    JOB_CREATED = "job exists"
    JOB_RUNNING = "job runs"
    JOB_PAUSED = "job is paused"
    JOB_SUCCEEDED = "job succeeded"
    DEPLOYMENT_REQUESTED = "deployment requested"
    DEPLOYMENT_READY = "deployment is ready"
    MODEL_ANSWERED = "model answered"
    PROMOTED = "version is the champion"
    WITHHELD = "version is not promoted"
    DEPLOYMENT_CHANGED = "another deployment is asked for"
    START_COMMANDED = "start command"
    CANCELLED = "cancelled"
    FAILED = "cannot go on"
    DROPPED_AGAIN = "dropped again"
    PROMOTE_COMMANDED = "promote command"
    RETRY_COMMANDED = "retry command"
    JOB_REJOINED = "retry command, its job is alive"


TRANSITIONS: dict[tuple[Stage, Event], Stage] = {
    (Stage.RECEIVED, Event.DATASET_ACCEPTED): Stage.CHECKED,
    (Stage.RECEIVED, Event.START_REQUIRED): Stage.READY,
    (Stage.RECEIVED, Event.DATASET_REJECTED): Stage.REJECTED,
    (Stage.RECEIVED, Event.FILES_REPLACED): Stage.SUPERSEDED,
    (Stage.READY, Event.START_COMMANDED): Stage.CHECKED,
    (Stage.READY, Event.FILES_REPLACED): Stage.SUPERSEDED,
    (Stage.CHECKED, Event.FILES_PROCESSED): Stage.UPLOADED,
    (Stage.CHECKED, Event.FILES_REPLACED): Stage.SUPERSEDED,
    (Stage.CHECKED, Event.PAID_BEFORE): Stage.SUPERSEDED,
    (Stage.UPLOADED, Event.PAID_BEFORE): Stage.SUPERSEDED,
    (Stage.SUBMITTING, Event.PAID_BEFORE): Stage.SUPERSEDED,
    (Stage.UPLOADED, Event.JOB_INTENDED): Stage.SUBMITTING,
    (Stage.UPLOADED, Event.JOB_CREATED): Stage.SUBMITTED,
    (Stage.SUBMITTING, Event.JOB_CREATED): Stage.SUBMITTED,
    (Stage.SUBMITTING, Event.FILES_MISSING): Stage.CHECKED,
    (Stage.SUBMITTED, Event.JOB_RUNNING): Stage.TRAINING,
    (Stage.SUBMITTED, Event.JOB_PAUSED): Stage.PAUSED,
    (Stage.SUBMITTED, Event.JOB_SUCCEEDED): Stage.TRAINED,
    (Stage.TRAINING, Event.JOB_PAUSED): Stage.PAUSED,
    (Stage.TRAINING, Event.JOB_SUCCEEDED): Stage.TRAINED,
    (Stage.PAUSED, Event.JOB_RUNNING): Stage.TRAINING,
    (Stage.PAUSED, Event.JOB_SUCCEEDED): Stage.TRAINED,
    (Stage.TRAINED, Event.DEPLOYMENT_REQUESTED): Stage.DEPLOYING,
    (Stage.DEPLOYING, Event.DEPLOYMENT_READY): Stage.PROBING,
    (Stage.PROBING, Event.MODEL_ANSWERED): Stage.COMPARING,
    (Stage.COMPARING, Event.PROMOTED): Stage.SERVING,
    (Stage.COMPARING, Event.WITHHELD): Stage.HELD,
    (Stage.HELD, Event.PROMOTE_COMMANDED): Stage.SERVING,
    (Stage.DEPLOYING, Event.DEPLOYMENT_CHANGED): Stage.TRAINED,
    (Stage.PROBING, Event.DEPLOYMENT_CHANGED): Stage.TRAINED,
    (Stage.COMPARING, Event.DEPLOYMENT_CHANGED): Stage.TRAINED,
}

DEPLOYED = frozenset({Stage.SERVING, Stage.HELD})  # ends that leave a version with its deployment
ENDS = DEPLOYED | {Stage.REJECTED, Stage.FAILED, Stage.CANCELLED, Stage.SUPERSEDED}
ACTIVE = frozenset(Stage) - ENDS

# Any active stage may come to these as well.
FROM_ANY = {Event.FAILED: Stage.FAILED, Event.CANCELLED: Stage.CANCELLED}

# Where a run goes on that ended in this stage: the last good one. A job that is alive or has
# succeeded is followed again and never paid for twice; one that failed or was cancelled is not
# continued, and its files are uploaded again.
RESTARTS: dict[Stage, Stage] = {
    Stage.RECEIVED: Stage.RECEIVED,
    Stage.READY: Stage.READY,
    Stage.CHECKED: Stage.CHECKED,
    Stage.UPLOADED: Stage.CHECKED,
    Stage.SUBMITTING: Stage.CHECKED,
    Stage.SUBMITTED: Stage.CHECKED,
    Stage.TRAINING: Stage.CHECKED,
    Stage.PAUSED: Stage.CHECKED,
    Stage.TRAINED: Stage.TRAINED,
    Stage.DEPLOYING: Stage.TRAINED,
    Stage.PROBING: Stage.TRAINED,
    Stage.COMPARING: Stage.TRAINED,
}

REOPENS = {Event.DROPPED_AGAIN: Stage.RECEIVED, Event.JOB_REJOINED: Stage.SUBMITTED}

# The longest that each stage may see nothing new before it is abandoned. They are generous, for an
# outage of the service is not the run's fault. READY and PAUSED wait for a person, however long.
DEADLINES: dict[Stage, timedelta] = {
    Stage.RECEIVED: timedelta(days=1),
    Stage.CHECKED: timedelta(days=7),  # there may be no room for its files until others have ended
    Stage.UPLOADED: timedelta(days=7),
    Stage.SUBMITTING: timedelta(days=7),  # the account's queue of jobs may be full for days
    Stage.SUBMITTED: timedelta(days=7),
    Stage.TRAINING: timedelta(days=31),  # the service itself ends a job after 720 hours
    Stage.TRAINED: timedelta(days=1),
    Stage.DEPLOYING: timedelta(days=1),
    Stage.PROBING: timedelta(hours=6),
}


def next_stage(stage: Stage, event: Event, last_active: Stage = Stage.RECEIVED) -> Stage:
    """The stage after `event`. Raises KeyError for what cannot be.

    `last_active` is the active stage in which an ended run was: a retry goes on from there.
    """
    if stage in ACTIVE and event in FROM_ANY:
        return FROM_ANY[event]
    if stage in ENDS - {Stage.SERVING} and (stage, event) not in TRANSITIONS:
        return {**REOPENS, Event.RETRY_COMMANDED: RESTARTS[last_active]}[event]
    return TRANSITIONS[stage, event]
