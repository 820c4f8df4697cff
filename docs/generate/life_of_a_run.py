"""docs/life-of-a-run.md: the stages as a diagram, and how long each may last, from their table."""

from datetime import timedelta

from shared.run.policy import Policy
from shared.run.stages import ACTIVE, DEADLINES, ENDS, RESTARTS, TRANSITIONS, Event, Stage

PAGE = """# The life of a run

Made by `python3 dev.py docs`, from the table that the app itself follows. Any stage that is not an
end may also go to `failed`, and to `cancelled` when somebody commands it or the job is cancelled
elsewhere: the run then says what happened, who can act on it and what to do. Dropping the same
content again reopens a run that ended before anything was paid for; `tunedrop retry RUN` reopens
any that does not serve, from its last good stage.

In `checked`, before anything is sent, the account is asked whether it can train and serve what the
run asks for ([plan.md](plan.md)): what it refuses ends the run, what passes by itself is waited
for.

Money is at stake from `submitting` on: the intent to create a job is written, and the job may exist
whether or not the service has answered.

```mermaid
{diagram}
```

A stage that sees nothing new for this long is abandoned, with the reason; time in which the app
itself was not running does not count. Only a person's decision is waited for without end.

| stage | abandoned after |
|---|---|
{deadlines}"""


def page() -> str:
    rows = [f"| `{stage}` | {_words(limit)} |" for stage, limit in DEADLINES.items()]
    endless = [stage for stage in Stage if stage in ACTIVE and stage not in DEADLINES]
    rows += [f"| `{stage}` | {_patience(stage)} |" for stage in endless]
    return PAGE.format(diagram=diagram(), deadlines="\n".join(rows))


def _patience(stage: Stage) -> str:
    if stage is not Stage.COMPARING:
        return "never: it waits for a person"
    return f"never: after {_words(Policy().compare_within)} it goes on with what there is"


def diagram() -> str:
    """The life of a run as a Mermaid state diagram."""
    arrows = [f"    {stage} --> {after}: {event}" for (stage, event), after in TRANSITIONS.items()]
    again = [
        f"    {end} --> {stage}: {Event.RETRY_COMMANDED}"
        for end in (Stage.FAILED, Stage.CANCELLED)
        for stage in dict.fromkeys(RESTARTS.values())
    ]
    again += [
        f"    {end} --> {Stage.SUBMITTED}: {Event.JOB_REJOINED}"
        for end in (Stage.FAILED, Stage.CANCELLED)
    ]
    again += [f"    {Stage.REJECTED} --> {Stage.RECEIVED}: {Event.RETRY_COMMANDED}"]
    again += [  # its files can be replaced in these only
        f"    {Stage.SUPERSEDED} --> {stage}: {Event.RETRY_COMMANDED}"
        for (stage, event) in TRANSITIONS
        if event is Event.FILES_REPLACED
    ]
    again += [
        f"    {end} --> {Stage.RECEIVED}: {Event.DROPPED_AGAIN}"
        for end in (Stage.FAILED, Stage.CANCELLED, Stage.SUPERSEDED, Stage.REJECTED)
    ]
    ends = [f"    {stage} --> [*]" for stage in Stage if stage in ENDS]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Stage.RECEIVED}", *arrows, *again, *ends])


def _words(limit: timedelta) -> str:
    count, unit = (limit.days, "day") if limit.days else (limit.seconds // 3600, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"
