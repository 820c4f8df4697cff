"""A candidate beside one other model: every score of both, the primary one, and what has become
worse. Decides by the rule of `paired`; knows nothing of a third model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from shared.model import paired
from shared.model.evaluation import Respondent
from shared.model.paired import MIN_EXAMPLES, UNITS, Chance, Estimate, Power, Units
from shared.model.regressions import Regression, Scored, regressions, worse
from shared.model.scores import Metric, Rubric, Scores

LOSSES = (500, 1_000)  # units whose power is told; the first one in the sentence


class Outcome(StrEnum):
    """Of the candidate."""

    WIN = "win"
    TIE = "tie"
    LOSS = "loss"


BY_SIGN = {1: Outcome.WIN, 0: Outcome.TIE, -1: Outcome.LOSS}


@dataclass(frozen=True, slots=True)
class Side:
    """One model with its scores, in the order of the rubrics."""

    respondent: Respondent
    scores: tuple[Scores, ...]

    def at(self, numbers: Sequence[int]) -> "Side":
        return replace(self, scores=tuple(self.scores[number] for number in numbers))


@dataclass(frozen=True, slots=True)
class Compared:
    """One score of both, over the `examples` to which it applies: means in units. `decides`:
    whether it is part of the primary score of one of them."""

    examples: int
    candidate: float
    other: float
    estimate: Estimate
    decides: bool = True

    @property
    def outcome(self) -> Outcome:
        return BY_SIGN[self.estimate.apart]


@dataclass(frozen=True, slots=True)
class Contest:
    """`fragile`: the candidate would win, but only by calls of the other that failed. `powers` has
    none where the other's scores are too low to lose so much. `left_out`: examples that one of the
    two was not asked."""

    other: Respondent
    primary: Compared
    metrics: dict[Metric, Compared]
    outcome: Outcome
    fragile: bool
    failed: int  # calls of the other
    better: int  # examples
    worse: int
    regressions: tuple[Regression, ...]
    powers: tuple[Power, ...]
    left_out: int = 0


def contest(
    rubrics: Sequence[Rubric], candidate: Side, other: Side, chance: Chance
) -> Contest | None:
    """`rubrics`: one for each example. None where no example was asked of both."""
    sides = candidate.respondent, other.respondent
    pairs = [n for n, one in enumerate(rubrics) if all(side.asked(one.example) for side in sides)]
    if not pairs:
        return None
    found = _contest([rubrics[n] for n in pairs], candidate.at(pairs), other.at(pairs), chance)
    return replace(found, left_out=len(rubrics) - len(pairs))


def _contest(rubrics: Sequence[Rubric], candidate: Side, other: Side, chance: Chance) -> Contest:
    scored = _scored(rubrics, candidate, other)
    ours, theirs = _columns(scored)
    primary = _compared(ours, theirs, chance)
    outcome = _without_failures(rubrics, other, ours - theirs, chance)
    fragile = primary.outcome is Outcome.WIN and outcome is not Outcome.WIN
    found = worse(scored)
    powers = (paired.power(ours - theirs, theirs, loss, chance) for loss in LOSSES)
    return Contest(
        other=other.respondent,
        primary=primary,
        metrics=_metrics(rubrics, candidate, other, chance),
        outcome=Outcome.TIE if fragile else primary.outcome,
        fragile=fragile,
        failed=sum(other.respondent.answer(rubric.example).failed for rubric in rubrics),
        better=len(worse([_turned(one) for one in scored])),
        worse=len(found),
        regressions=tuple(regressions(found, candidate.respondent, other.respondent)),
        powers=tuple(power for power in powers if power),
    )


def _scored(rubrics: Sequence[Rubric], candidate: Side, other: Side) -> list[Scored]:
    rows = zip(rubrics, candidate.scores, other.scores, strict=True)
    return [
        Scored(rubric.example, units(rubric.primary(ours)), units(rubric.primary(theirs)))
        for rubric, ours, theirs in rows
    ]


def _columns(scored: Sequence[Scored]) -> tuple[Units, Units]:
    ours = np.array([one.candidate for one in scored], np.int64)
    return ours, np.array([one.other for one in scored], np.int64)


def _turned(one: Scored) -> Scored:
    return Scored(one.example, one.other, one.candidate)


def _without_failures(
    rubrics: Sequence[Rubric], other: Side, differences: Units, chance: Chance
) -> Outcome:
    """The outcome among the examples that the other's calls did not fail at."""
    answered = [not other.respondent.answer(rubric.example).failed for rubric in rubrics]
    left = differences[np.array(answered)]
    if len(left) < MIN_EXAMPLES:
        return Outcome.TIE
    return BY_SIGN[paired.estimate(left, chance.draws(len(left))).apart]


def _metrics(
    rubrics: Sequence[Rubric], candidate: Side, other: Side, chance: Chance
) -> dict[Metric, Compared]:
    found = {}
    for metric in Metric:
        at = [number for number, rubric in enumerate(rubrics) if metric in rubric.metrics]
        if not at:
            continue
        ours, theirs = (
            np.array([units(side.scores[number][metric]) for number in at], np.int64)
            for side in (candidate, other)
        )
        decides = any(metric in rubrics[number].deciding for number in at)
        found[metric] = _compared(ours, theirs, chance, decides)
    return found


def _compared(ours: Units, theirs: Units, chance: Chance, decides: bool = True) -> Compared:
    estimate = paired.estimate(ours - theirs, chance.draws(len(ours)))
    return Compared(len(ours), float(ours.mean()), float(theirs.mean()), estimate, decides)


def units(score: float) -> int:
    return round(score * UNITS)
