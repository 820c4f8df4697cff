"""comparing: a new version beside the champion and the base model, before chat goes to it.

All are asked the same examples of the validation set, a share at each tick; from the answers comes
the verdict, and by it, by the gate and by who promotes, the version becomes the champion or is
held. Whatever is in the way of comparing ends no run: it is waited for, then gone on without, and
said. Where the data has too little evidence, the gate lets the version pass; where it could not be
judged for another reason, `enforce` holds it. A version that does not answer is never promoted.
"""

from datetime import timedelta

from shared.errors import Conflict, NotFound, ServiceError, TunedropError, Unavailable
from shared.model import deployment
from shared.model.history import Decision
from shared.model.registry import Model, Version
from shared.run import asking, compared, contestants, judging, notify, sampling, transcript
from shared.run.asking import Share
from shared.run.compared import Finding, not_compared
from shared.run.context import Context
from shared.run.drawing import Sample
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Run
from shared.run.stages import Event

NO_VALIDATION = "there is no validation set to ask"
MORE_TO_ANSWER = timedelta(hours=1)  # for a version that does not when it is to be promoted


async def compare(run: Run, ctx: Context) -> Outcome:
    """The version becomes the champion, or is held: because a person is to promote it, because the
    gate says so, or because there is a champion of a newer dataset."""
    assert run.version, "a run becomes comparing by having one"
    model = await ctx.registry.load(run.model)
    if model is None:
        raise NotFound(f"The record of model {run.model} is gone from {ctx.clients.models.name}.")
    if model.champion == run.version:
        return Outcome(run, Event.PROMOTED)  # by an earlier try, or by a person
    if older(run.version, model):
        return _held(run, _older(run.version, model))
    if run.spec.release.gate == "off":
        return await _decide(run, model, Finding(""), ctx)
    found = await _find(run, model, ctx)
    if isinstance(found, Outcome):
        return found
    if run.compared == found.sentence:
        return await _decide(run, model, found, ctx)
    return _told(run, model, found)


def _told(run: Run, model: Model, found: Finding) -> Outcome:
    """What came of it is in the run's record before anything follows from it: a champion is not
    compared once more."""

    async def decide(run: Run, ctx: Context) -> Outcome:
        return await _decide(run, model, found, ctx)

    line = LogLine("verdict", found.sentence)
    return Outcome(run.replace(compared=found.sentence), log=(line,), then=decide)


async def _find(run: Run, model: Model, ctx: Context) -> Finding | Outcome:
    """What came of it, or an outcome that waits. What will not pass is gone on without at once, all
    else when the time for comparing is over."""
    late = _late(run, ctx)
    try:
        return await _compare(run, model, ctx, late=late)
    except TunedropError as error:
        if isinstance(error, Unavailable | Conflict) and not late:
            raise
        return not_compared(run, error.message, passes=False)
    except Exception as error:
        if not late:
            raise
        why = f"of a fault in Tunedrop itself, {type(error).__name__}"
        return not_compared(run, why, passes=False)


def _late(run: Run, ctx: Context, more: timedelta = timedelta(0)) -> bool:
    """Whether the time for comparing is over, not counting when nobody looked."""
    if ctx.awake_since is None:
        return False
    return ctx.now() - max(run.since, ctx.awake_since) > ctx.policy.compare_within + more


async def _compare(run: Run, model: Model, ctx: Context, *, late: bool) -> Finding | Outcome:
    drawn = await _drawn(run, ctx)
    if isinstance(drawn, Finding):
        return drawn
    lined = await contestants.line_up(run, model, ctx, patient=not late)
    if not (lined.others or lined.coming):
        why = f"there is nobody to compare it with. {' '.join(lined.absent)}"
        return not_compared(run, why, passes=model.champion is None)
    asked = asking.questions(drawn.examples, drawn.answer_tokens)
    known = await transcript.load(run.id, ctx)
    share = await asking.ask(lined.all, asked, known, ctx)
    if lined.coming:  # the others are asked meanwhile
        return Outcome(run, waiting_for=lined.coming)
    if share.missing and not late:
        return _goes_on(run, share, len(asked) * len(lined.all))
    sides = [compared.respondent(one, asked, known) for one in lined.all]
    if lined.judge:
        share = await judging.ask(lined.judge, drawn.examples, sides, known, ctx)
        if share.missing and not late:
            return _goes_on(run, share, len(asked) * len(lined.all), "ratings")
    return await compared.of_answers(run, drawn, lined, sides, known, ctx)


async def _drawn(run: Run, ctx: Context) -> Sample | Finding:
    """What is asked; or that the data has nothing that could be."""
    if run.validation is None:
        return not_compared(run, NO_VALIDATION, passes=True)
    try:
        return await sampling.sample(run, run.validation, ctx)
    except (ServiceError, Conflict):
        raise
    except TunedropError as error:
        return not_compared(run, error.message, passes=True)


def _goes_on(run: Run, share: Share, of: int, what: str = "answers") -> Outcome:
    """The next tick asks more; where nothing can be asked, later."""
    counted = run.replace(tries=0) if share.answered else run
    if isinstance(share.obstacle, Unavailable):
        return Outcome(counted, error=share.obstacle)
    told = f"{of - share.missing} of {of} {what} are there"
    if share.obstacle:
        error = Unavailable(share.obstacle.message, share.obstacle.fix)
        return Outcome(counted, error=error)
    return Outcome(counted, waiting_for=f"It is compared: {told}.")


# ---- what follows


async def _decide(run: Run, model: Model, found: Finding, ctx: Context) -> Outcome:
    """A champion that has changed meanwhile is one to be compared with."""
    assert run.version
    newest = await ctx.registry.load(run.model)
    if newest and newest.champion != model.champion:
        return Outcome(run, then=compare)
    called, release = f"{run.model}@{run.version}", run.spec.release
    if release.promote == "manual":
        why = f"{called} is promoted by a person: `promote: manual`."
        return _held(run, f"{why} {found.sentence}".strip())
    if release.gate == "enforce" and not found.passes:
        why = "The gate is `enforce`, which holds what is not better."
        if not found.digest:
            why = (
                "The gate is `enforce`, which holds what could not be judged: "
                f"`tunedrop retry {run.id}` compares it again."
            )
        return _held(run, f"{found.sentence} {why}")
    if found.silent:
        why = f"{called} has answered nothing, so no chat goes to it."
        return _held(run, f"{found.sentence} {why}")
    if dead := await _dead(run, model.version(run.version), ctx):
        why = f"Chat does not go to {called}, which does not answer. {dead}"
        return _held(run, f"{found.sentence} {why}".strip())
    changed = await _promote(run, run.version, model.champion, found, ctx)
    if changed.champion == run.version:
        return Outcome(run, Event.PROMOTED)
    if changed.champion != model.champion:
        return Outcome(run, then=compare)
    return _held(run, f"{called} was withdrawn.")


async def _dead(run: Run, version: Version, ctx: Context) -> str:
    """Why the version does not answer, if it does not. What may pass is waited for: raises
    Unavailable."""
    over = _late(run, ctx, MORE_TO_ANSWER)
    try:
        await contestants.must_be_there(version, ctx)
        found = await deployment.probe(ctx.clients.finetuning, version)
    except ServiceError as error:
        if isinstance(error, Unavailable) and not over:
            raise
        return str(error)
    if found is deployment.Readiness.READY:
        return ""
    not_ready = f"Azure OpenAI does not know the deployment {version.deployment}."
    if not over:
        raise Unavailable(not_ready, "It is waited for.")
    return not_ready


async def _promote(
    run: Run, number: int, expected: int | None, found: Finding, ctx: Context
) -> Model:
    """Others are told of it once the registry has it."""

    async def change(decision: Decision) -> Model:
        return await ctx.registry.promote(run.model, number, decision, expected=expected)

    id = f"{run.id}-{run.attempt}-{len(run.timeline)}"
    decision = Decision(ctx.now(), verdict=found.digest, id=id)
    return await notify.of_change(run.model, decision, change, ctx)


def older(number: int, model: Model) -> bool:
    """Whether the champion's dataset was dropped after that of the version."""
    return (
        model.champion is not None
        and model.version(model.champion).dropped_at > model.version(number).dropped_at
    )


def _older(number: int, model: Model) -> str:
    champion, called = f"{model.name}@{model.champion}", f"{model.name}@{number}"
    return f"{champion} stays the champion: its dataset is newer than that of {called}."


def _held(run: Run, reason: str) -> Outcome:
    return Outcome(run.replace(held=reason), Event.WITHHELD)
