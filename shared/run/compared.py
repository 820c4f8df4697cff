"""What came of comparing a version: the verdict on the answers that there are, kept beside the run,
or why there is none. Knows answers, not how they were asked for, nor what follows.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model.assertions import Assertions
from shared.model.evaluation import Answer, Respondent
from shared.run import judging, sampling
from shared.run.answer_limit import LONGEST
from shared.run.contestants import Contestant, LineUp
from shared.run.context import Context
from shared.run.drawing import Sample
from shared.run.judging import Ratings
from shared.run.record import Run
from shared.run.transcript import Question, Transcript

if TYPE_CHECKING:
    from shared.model.verdict import Verdict

NAME = "verdict.json"
IN_VAIN = Answer(failure="it was asked, and has not answered in time")


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence`: what came of comparing. `digest` is the verdict's, empty where there is none.
    `passes`: the candidate is better, or the data has too little evidence to say that it is not.
    `silent`: it has answered nothing at all of what it was to be asked."""

    sentence: str
    digest: str = ""
    passes: bool = True
    silent: bool = False


def not_compared(run: Run, why: str, *, passes: bool) -> Finding:
    """`passes`: it is the data that has no evidence."""
    return Finding(f"{run.model}@{run.version} is not compared: {why.rstrip('.')}.", passes=passes)


async def of_answers(
    run: Run,
    drawn: Sample,
    lined: LineUp,
    sides: list[Respondent],
    known: Transcript,
    ctx: Context,
) -> Finding:
    """Off the event loop: it may take a second."""
    asserted, note = await sampling.assertions(run, ctx)
    judge = lined.judge
    rated = judging.ratings(judge, drawn.examples, sides, known) if judge else {}
    notes = tuple(filter(None, [*lined.absent, note, *_sampled(drawn)]))
    told = await asyncio.to_thread(_verdict, drawn, sides, asserted, rated, notes)
    await ctx.ledger.keep(run.id, NAME, told.as_json(), "application/json")
    sentence = " ".join(filter(None, [told.sentence, *lined.absent, note]))
    silent = bool(drawn.examples) and all(one.failed for one in sides[0].answers.values())
    return Finding(sentence, told.digest, _passes(told), silent)


def respondent(one: Contestant, asked: Sequence[Question], known: Transcript) -> Respondent:
    """A question that it was asked in vain so far counts as failed, one that it was not asked as
    nothing."""
    assert one.role, "a judge is no contestant"
    answers: dict[int, Answer] = {}
    for question in asked:
        key = (one.model, question.digest)
        if answer := known.answers.get(key):
            answers[question.line] = answer
        elif known.tries[key]:
            answers[question.line] = IN_VAIN
    return Respondent(one.role, one.name, answers)


def _sampled(drawn: Sample) -> Iterator[str]:
    if len(drawn.examples) < drawn.lines:
        yield f"the sample is {len(drawn.examples):,} of {drawn.lines:,} lines"
    if drawn.too_long:
        longest = f"{LONGEST:,} tokens or more"
        yield f"{drawn.too_long:,} × an example whose expected answer has {longest}: left out"


def _verdict(
    drawn: Sample,
    sides: list[Respondent],
    asserted: Assertions,
    rated: Ratings,
    notes: tuple[str, ...],
) -> "Verdict":
    from shared.model.verdict import Comparison, verdict_of  # numpy: no chat should wait for it

    candidate, *others = sides
    return verdict_of(Comparison(drawn.examples, candidate, tuple(others), asserted, rated, notes))


def _passes(told: "Verdict") -> bool:
    from shared.model.contest import Outcome as Ending
    from shared.model.paired import MIN_EXAMPLES

    return told.overall is Ending.WIN or len(told.rubrics) < MIN_EXAMPLES
