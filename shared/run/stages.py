"""What may follow what in the life of a run, as data. Pure: no I/O, no clock.

`python -m shared.run.stages` prints the diagram for docs/life-of-a-run.md.
"""

from enum import StrEnum


class Stage(StrEnum):
    RECEIVED = "received"  # the files of one drop are known
    CHECKED = "checked"  # the dataset is good
    UPLOADED = "uploaded"  # the service has processed the files
    SUBMITTED = "submitted"  # a job exists and waits
    TRAINING = "training"
    TRAINED = "trained"  # there is a fine-tuned model
    DEPLOYING = "deploying"  # Azure Resource Manager has been asked
    PROBING = "probing"  # it says ready; a real chat will tell
    SERVING = "serving"
    REJECTED = "rejected"  # the dataset is not good; nothing was sent
    FAILED = "failed"
    CANCELLED = "cancelled"  # in the portal, or by somebody else
    SUPERSEDED = "superseded"  # its files were replaced before anything was sent


class Seen(StrEnum):
    """What a step has observed; None instead of it means: nothing new, look again later."""

    DROPPED = "dropped again"
    GOOD = "dataset is good"
    BAD = "dataset is bad"
    REPLACED = "files were replaced"
    PROCESSED = "files are processed"
    ACCEPTED = "job exists"
    STARTED = "job runs"
    SUCCEEDED = "job succeeded"
    CANCELLED = "job was cancelled"
    REQUESTED = "deployment requested"
    PROVISIONED = "deployment is ready"
    ANSWERED = "model answered"
    FAILED = "cannot go on"


LIFE: dict[tuple[Stage, Seen], Stage] = {
    (Stage.RECEIVED, Seen.GOOD): Stage.CHECKED,
    (Stage.RECEIVED, Seen.BAD): Stage.REJECTED,
    (Stage.RECEIVED, Seen.REPLACED): Stage.SUPERSEDED,
    (Stage.CHECKED, Seen.PROCESSED): Stage.UPLOADED,
    (Stage.CHECKED, Seen.REPLACED): Stage.SUPERSEDED,
    (Stage.UPLOADED, Seen.ACCEPTED): Stage.SUBMITTED,
    (Stage.SUBMITTED, Seen.STARTED): Stage.TRAINING,
    (Stage.SUBMITTED, Seen.SUCCEEDED): Stage.TRAINED,
    (Stage.SUBMITTED, Seen.CANCELLED): Stage.CANCELLED,
    (Stage.TRAINING, Seen.SUCCEEDED): Stage.TRAINED,
    (Stage.TRAINING, Seen.CANCELLED): Stage.CANCELLED,
    (Stage.TRAINED, Seen.REQUESTED): Stage.DEPLOYING,
    (Stage.DEPLOYING, Seen.PROVISIONED): Stage.PROBING,
    (Stage.PROBING, Seen.ANSWERED): Stage.SERVING,
    # Only while nothing has been paid for: see Run.may_start_over.
    (Stage.SUPERSEDED, Seen.DROPPED): Stage.RECEIVED,
    (Stage.FAILED, Seen.DROPPED): Stage.RECEIVED,
}

ENDS = frozenset({Stage.SERVING, Stage.REJECTED, Stage.FAILED, Stage.CANCELLED, Stage.SUPERSEDED})
ACTIVE = frozenset(Stage) - ENDS


def following(stage: Stage, seen: Seen) -> Stage:
    """The stage after `seen`; any active stage may fail. Raises KeyError for what cannot be."""
    if seen is Seen.FAILED and stage in ACTIVE:
        return Stage.FAILED
    return LIFE[stage, seen]


def diagram() -> str:
    """The life of a run as a Mermaid state diagram."""
    arrows = [f"    {stage} --> {after}: {seen}" for (stage, seen), after in LIFE.items()]
    ends = [f"    {stage} --> [*]" for stage in Stage if stage in ENDS]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Stage.RECEIVED}", *arrows, *ends])


if __name__ == "__main__":
    print(diagram())  # noqa: T201
