"""What has become worse: examples at which the candidate scores lower, the worst first.

Answers are quoted as the dataset's report quotes: masked and shortened. Whole they are where they
were kept. Knows scores and answers, not how a comparison is decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.dataset.findings.quoting import shorten
from shared.model.evaluation import Answer, Call, Example, Respondent

WORSE = 1_000  # units of the primary score: less is not told as a regression
MOST_LISTED = 20
QUOTED = 240  # characters of an answer


@dataclass(frozen=True, slots=True)
class Regression:
    """`line` of the validation file; scores in units."""

    line: int
    candidate: int
    other: int
    expected: str
    candidate_answer: str
    other_answer: str


@dataclass(frozen=True, slots=True)
class Scored:
    """An example with the primary scores of both, in units."""

    example: Example
    candidate: int
    other: int

    @property
    def difference(self) -> int:
        return self.candidate - self.other


def worse(scored: Sequence[Scored]) -> list[Scored]:
    """The worst first."""
    found = [one for one in scored if one.difference <= -WORSE]
    return sorted(found, key=lambda one: (one.difference, one.example.line))


def regressions(
    found: Sequence[Scored], candidate: Respondent, other: Respondent
) -> list[Regression]:
    """Of those that `worse` has found, the first MOST_LISTED."""
    return [
        Regression(
            one.example.line,
            one.candidate,
            one.other,
            _quoted(one.example.expected.text, one.example.expected.calls),
            _answer(candidate.answer(one.example)),
            _answer(other.answer(one.example)),
        )
        for one in found[:MOST_LISTED]
    ]


def _answer(answer: Answer) -> str:
    if answer.failed:
        return f"(failed: {shorten(answer.failure, QUOTED)})"
    return "(empty)" if answer.empty else _quoted(answer.text, answer.calls)


def _quoted(text: str, calls: Sequence[Call]) -> str:
    called = [f"{call.name}({call.arguments})" for call in calls[:8]]
    return shorten(" ".join(filter(None, [text.strip(), *called])), QUOTED)
