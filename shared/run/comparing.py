"""comparing: a new version beside the champion and the base model, before chat goes to it.

All are asked the same examples of the validation set, a share at each tick; from the answers comes
the verdict, and by it, by the gate and by who promotes, the version becomes the champion or is
held. Whatever is in the way of comparing ends no run: it is waited for, then gone on without, and
said. A gate holds a version for what it has seen, never for what could not be seen.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import Conflict, NotFound, TunedropError, Unavailable
from shared.model.assertions import Assertions
from shared.model.evaluation import Answer, Respondent
from shared.model.history import Decision
from shared.model.registry import Model
from shared.run import asking, contestants, sampling, transcript
from shared.run.asking import Share
from shared.run.contestants import Contestant, LineUp
from shared.run.context import Context
from shared.run.drawing import Sample
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Run
from shared.run.stages import Event
from shared.run.transcript import Question, Transcript

if TYPE_CHECKING:
    from shared.model.verdict import Verdict

NAME = "verdict.json"
NO_VALIDATION = "there is no validation set to ask"


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence`: what came of comparing. `digest` is the verdict's, empty where there is none.
    `passes`: the candidate is better, or there is too little evidence to say that it is not."""

    sentence: str
    digest: str = ""
    passes: bool = True


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
    line = LogLine("verdict", found.sentence)
    compared = run.replace(compared=found.sentence)
    decided = await _decide(compared, model, found, ctx)
    return decided.but(line) if decided.event else decided


async def _find(run: Run, model: Model, ctx: Context) -> Finding | Outcome:
    """What came of it, or an outcome that waits. What will not pass is gone on without at once, all
    else when the time for comparing is over."""
    late = _late(run, ctx)
    try:
        return await _compare(run, model, ctx, late=late)
    except TunedropError as error:
        if isinstance(error, Unavailable | Conflict) and not late:
            raise
        return _not_compared(run, error.message.rstrip("."))
    except Exception as error:
        if not late:
            raise
        return _not_compared(run, f"of a fault in Tunedrop itself, {type(error).__name__}")


def _late(run: Run, ctx: Context) -> bool:
    """Whether the time for comparing is over, not counting when nobody looked."""
    if ctx.awake_since is None:
        return False
    return ctx.now() - max(run.since, ctx.awake_since) > ctx.policy.compare_within


def _not_compared(run: Run, why: str) -> Finding:
    return Finding(f"{run.model}@{run.version} is not compared: {why}.")


async def _compare(run: Run, model: Model, ctx: Context, *, late: bool) -> Finding | Outcome:
    if run.validation is None:
        return _not_compared(run, NO_VALIDATION)
    drawn = await sampling.sample(run, run.validation, ctx)
    lined = await contestants.line_up(run, model, ctx, patient=not late)
    if lined.coming:
        return Outcome(run, waiting_for=lined.coming)
    if not lined.others:
        return _not_compared(run, f"there is nobody to compare it with. {' '.join(lined.absent)}")
    asked = asking.questions(drawn.examples)
    known = await transcript.load(run.id, ctx)
    share = await asking.ask(lined.all, asked, known, ctx)
    if share.missing and not late:
        return _goes_on(run, share, len(asked) * len(lined.all))
    return await _judge(run, drawn, lined, asked, known, ctx)


def _goes_on(run: Run, share: Share, of: int) -> Outcome:
    """The next tick asks more; where nothing can be asked, later."""
    counted = run.replace(tries=0) if share.answered else run
    if isinstance(share.obstacle, Unavailable):
        return Outcome(counted, error=share.obstacle)
    told = f"{of - share.missing} of {of} answers are there"
    if share.obstacle:
        error = Unavailable(share.obstacle.message, share.obstacle.fix)
        return Outcome(counted, error=error)
    return Outcome(counted, waiting_for=f"It is compared: {told}.")


async def _judge(
    run: Run,
    drawn: Sample,
    lined: LineUp,
    asked: Sequence[Question],
    known: Transcript,
    ctx: Context,
) -> Finding:
    """Off the event loop: it may take a second."""
    asserted, note = await sampling.assertions(run, ctx)
    sides = [_respondent(one, asked, known) for one in lined.all]
    told = await asyncio.to_thread(_verdict, drawn, sides, asserted)
    await ctx.ledger.keep(run.id, NAME, told.as_json(), "application/json")
    sentence = " ".join(filter(None, [told.sentence, *lined.absent, note]))
    return Finding(sentence, told.digest, passes=_passes(told))


def _respondent(one: Contestant, asked: Sequence[Question], known: Transcript) -> Respondent:
    answers: dict[int, Answer] = {}
    for question in asked:
        if answer := known.answers.get((one.model, question.digest)):
            answers[question.line] = answer
    return Respondent(one.role, one.name, answers)


def _verdict(drawn: Sample, sides: list[Respondent], asserted: Assertions) -> "Verdict":
    from shared.model.verdict import Comparison, verdict_of  # numpy: no chat should wait for it

    candidate, *others = sides
    return verdict_of(Comparison(drawn.examples, candidate, tuple(others), asserted))


def _passes(told: "Verdict") -> bool:
    from shared.model.contest import Outcome as Ending
    from shared.model.paired import MIN_EXAMPLES

    enough = bool(told.contests) and len(told.rubrics) >= MIN_EXAMPLES
    return told.overall is Ending.WIN or not enough


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
        return _held(run, f"{found.sentence} {why}")
    decision = Decision(ctx.now(), verdict=found.digest)
    changed = await ctx.registry.promote(run.model, run.version, decision, expected=model.champion)
    if changed.champion == run.version:
        return Outcome(run, Event.PROMOTED)
    if changed.champion != model.champion:
        return Outcome(run, then=compare)
    return _held(run, f"{called} was withdrawn.")


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
