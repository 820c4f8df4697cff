"""comparing: whether a new version becomes the champion, or is held for a person to say so."""

from shared.model.history import Decision
from shared.run import notify
from shared.run.context import Context
from shared.run.outcome import Outcome
from shared.run.record import Run
from shared.run.stages import Event


async def compare(run: Run, ctx: Context) -> Outcome:
    """The version becomes the champion, unless a person is to say so, or there is one of
    a newer dataset."""
    assert run.version, "a run becomes comparing by having one"
    called = f"{run.model}@{run.version}"
    if run.spec.release.promote == "manual":
        return _held(run, f"{called} is promoted by a person: run.yaml says `promote: manual`.")
    number = run.version
    model = await notify.of_change(
        run.model,
        Decision(ctx.now(), id=f"{run.id}-{len(run.timeline)}"),
        lambda decision: ctx.registry.promote(run.model, number, decision),
        ctx,
    )
    if model.champion == run.version:
        return Outcome(run, Event.PROMOTED)
    champion = f"{model.name}@{model.champion}"
    return _held(run, f"{champion} stays the champion: its dataset is newer than that of {called}.")


def _held(run: Run, reason: str) -> Outcome:
    return Outcome(run.replace(held=reason), Event.WITHHELD)
