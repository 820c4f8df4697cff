"""How a candidate compares with the champion and its base: a pure function of their answers.

The rule. Each example has one primary score, the mean of the scores that decide for it
(`shared.model.scores`). Against each other side the candidate wins, loses or ties by the rule of
`shared.model.paired`: the primary scores' paired difference is told apart from zero, or it is not.
A win that the failed calls of the other side make is a tie: it must be one as well among the
examples at which those did not fail. Overall it is

- a loss, if it loses to the champion or to the base;
- else a win, if it wins against the champion, or against the base where there is no champion;
- else a tie. So it is with fewer than MIN_EXAMPLES examples, and with nobody to compare with.

An example counts for two sides where both were asked it: what was not asked is no failure, and is
told.

Single scores are told apart by the same rule, each for itself; of several, one is told by chance
more often than 2.5 %. They decide nothing. The draws come from a seed that is the digest of the
inputs: the same inputs make the same bytes. No clock, no I/O.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.model import verdict_document
from shared.model.assertions import NONE, Assertions
from shared.model.contest import Contest, Outcome, Side, contest
from shared.model.evaluation import Example, Expected, Respondent, Role
from shared.model.paired import MOST_EXAMPLES, Chance
from shared.model.scores import Rubric, rubric_of, scores_of, usable

RULE = 2  # another rule is another digest


@dataclass(frozen=True, slots=True)
class Comparison:
    """`others`: the champion and the base, as far as there are some. `judged` has a judge's scores,
    from 0 to 1, by line of the example. At most MOST_EXAMPLES examples, each line once. `told`:
    notes on how it came about, repeated in the verdict."""

    examples: tuple[Example, ...]
    candidate: Respondent
    others: tuple[Respondent, ...]
    assertions: Assertions = NONE
    judged: Mapping[Role, Mapping[int, float]] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[Respondent, ...]:
        return (self.candidate, *sorted(self.others, key=lambda side: list(Role).index(side.role)))

    @property
    def digest(self) -> str:
        """SHA-256 of all that the verdict is made of."""
        examples = sorted(self.examples, key=lambda example: example.line)
        made_of = {
            "rule": RULE,
            "examples": [_as_told(example) for example in examples],
            "sides": [_answers(side, examples) for side in self.sides],
            "assertions": self.assertions.sha256,
            "judged": {role: sorted(scores.items()) for role, scores in self.judged.items()},
            **({"told": self.told} if self.told else {}),
        }
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`contests`: with the champion first, if there is one; none without examples that can be
    scored. `unscored`: examples that no score applies to."""

    overall: Outcome
    candidate: Respondent
    rubrics: tuple[Rubric, ...]
    contests: tuple[Contest, ...]
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def deciding(self) -> Contest | None:
        """The contest that `overall` comes from."""
        lost = (one for one in self.contests if one.outcome is Outcome.LOSS)
        return next(lost, self.contests[0] if self.contests else None)

    @property
    def sentence(self) -> str:
        """Why, with the comparison's own power."""
        return verdict_document.sentence(self.candidate.name, self.deciding)

    def as_json(self) -> bytes:
        """Canonical: the same inputs make the same bytes."""
        sides = (self.candidate, *(one.other for one in self.contests))
        told: dict[str, Any] = {
            "schema_version": 1,
            "digest": self.digest,
            "overall": self.overall,
            "sentence": self.sentence,
            "examples": len(self.rubrics),
            "notes": self.notes,
            "sides": [verdict_document.side(side, self.rubrics) for side in sides],
            "contests": [
                verdict_document.contest(one, self.candidate.name) for one in self.contests
            ],
        }
        return verdict_document.canonical(told)


def verdict_of(comparison: Comparison) -> Verdict:
    """Raises ValueError for more than MOST_EXAMPLES examples, or a line that is there twice."""
    _check(comparison)
    rubrics = _rubrics(comparison)
    candidate, *others = (_side(side, rubrics, comparison.judged) for side in comparison.sides)
    digest = comparison.digest
    chance = Chance(int(digest, 16))
    tried = (contest(rubrics, candidate, other, chance) for other in others)
    contests = tuple(found for found in tried if found)
    return Verdict(
        overall=_overall(contests),
        candidate=comparison.candidate,
        rubrics=rubrics,
        contests=contests,
        digest=digest,
        notes=_notes(comparison, rubrics),
    )


def _check(comparison: Comparison) -> None:
    lines = [example.line for example in comparison.examples]
    if len(lines) > MOST_EXAMPLES or len(set(lines)) < len(lines):
        raise ValueError(f"{len(lines)} examples of {len(set(lines))} lines")
    roles = [side.role for side in comparison.sides]
    assert roles[0] is Role.CANDIDATE and len(set(roles)) == len(roles), roles


def _overall(contests: tuple[Contest, ...]) -> Outcome:
    """By the rule above; the first contest is the champion's, or the base's without one."""
    if any(one.outcome is Outcome.LOSS for one in contests):
        return Outcome.LOSS
    return contests[0].outcome if contests else Outcome.TIE


def _rubrics(comparison: Comparison) -> tuple[Rubric, ...]:
    """Of the examples that something is scored of, by line."""
    examples = sorted(comparison.examples, key=lambda example: example.line)
    found = (
        rubric_of(example, comparison.assertions.about(example), _judged(comparison, example))
        for example in examples
    )
    return tuple(rubric for rubric in found if rubric.deciding)


def _judged(comparison: Comparison, example: Example) -> bool:
    """Whether a judge has scored every answer to it that there is: of one side alone, its score
    would be compared with nothing."""
    answered = [side.role for side in comparison.sides if not side.answer(example).failed]
    scores = [comparison.judged.get(role, {}).get(example.line) for role in answered]
    return bool(scores) and all(map(usable, scores))


def _side(
    side: Respondent, rubrics: tuple[Rubric, ...], judged: Mapping[Role, Mapping[int, float]]
) -> Side:
    judge = judged.get(side.role, {})
    scores = (scores_of(r, side.answer(r.example), judge.get(r.example.line)) for r in rubrics)
    return Side(side, tuple(scores))


def _notes(comparison: Comparison, rubrics: tuple[Rubric, ...]) -> tuple[str, ...]:
    scored = {rubric.example.line for rubric in rubrics}
    cases = {id(case) for rubric in rubrics for case in rubric.cases}
    found = {
        "an example that no score applies to": len(comparison.examples) - len(scored),
        "a test of the promptfoo file that is about no example": sum(
            id(case) not in cases for case in comparison.assertions.cases
        ),
    }
    found |= {
        f"an example that {side.name} ({side.role}) was not asked": sum(
            not side.asked(rubric.example) for rubric in rubrics
        )
        for side in comparison.sides
    }
    counted = (f"{count} × {what}" for what, count in found.items() if count)
    return (*counted, *comparison.told)


def _as_told(example: Example) -> dict[str, Any]:
    return {
        "line": example.line,
        "request": example.request,
        "expected": _message(example.expected),
        "rejected": example.rejected and _message(example.rejected),
    }


def _message(expected: Expected) -> list[Any]:
    return [expected.text, [call.model_dump() for call in expected.calls]]


def _answers(side: Respondent, examples: list[Example]) -> list[Any]:
    return [side.role, side.name, [side.answer(example).model_dump() for example in examples]]
