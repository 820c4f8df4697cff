"""Examples and answers to compare models by."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.model.evaluation import Answer, Call, Example, Expected, Respondent, Role
from shared.model.verdict import Comparison, Verdict

NAMES = {Role.CANDIDATE: "captain@2", Role.CHAMPION: "captain@1", Role.BASE: "gpt-4.1-nano"}
WRONG = Answer(text="certainly something else altogether")
FAILED = Answer(failure="429: too many requests")


def example(line: int, expected: str = "", **more: Any) -> Example:
    """One that asks for its line's number, which is the answer that is expected by default."""
    request = {"messages": [{"role": "user", "content": f"Which line is line {line}?"}]}
    request |= more.pop("request", {})
    calls = tuple(Call(name=n, arguments=a) for n, a in more.pop("calls", ()))
    rejected = more.pop("rejected", None)
    said = expected if expected or calls else f"It is line {line}."
    return Example(
        line, request, Expected(said, calls), None if rejected is None else Expected(rejected)
    )


def right(asked: Example) -> Answer:
    return Answer(text=asked.expected.text, calls=asked.expected.calls, seconds=0.5)


def side(
    role: Role, examples: Sequence[Example], other: Mapping[int, Answer] | None = None
) -> Respondent:
    """It is right at every example but those of these lines."""
    answers = {one.line: right(one) for one in examples}
    return Respondent(role, NAMES[role], {**answers, **(other or {})})


def comparison(
    examples: Sequence[Example],
    candidate: Mapping[int, Answer] | None = None,
    champion: Mapping[int, Answer] | None = None,
    base: Mapping[int, Answer] | None = None,
    **more: Any,
) -> Comparison:
    """Of three who are right but for these answers; a champion and a base that are not given are
    not there."""
    given = {Role.CHAMPION: champion, Role.BASE: base}
    others = tuple(side(role, examples, a) for role, a in given.items() if a is not None)
    return Comparison(tuple(examples), side(Role.CANDIDATE, examples, candidate), others, **more)


def only_asked(given: Comparison, role: Role, lines: Sequence[int]) -> Comparison:
    """Of one side only the answers to these lines."""

    def less(side: Respondent) -> Respondent:
        answers = {line: one for line, one in side.answers.items() if line in lines}
        return replace(side, answers=answers) if side.role is role else side

    others = tuple(map(less, given.others))
    return replace(given, candidate=less(given.candidate), others=others)


def wrong_at(lines: Sequence[int], answer: Answer = WRONG) -> dict[int, Answer]:
    return dict.fromkeys(lines, answer)


def garbled(text: str, share: float, chance: random.Random) -> str:
    """The text with about this share of its words replaced."""
    return " ".join("so" if chance.random() < share else word for word in text.split())


def told(verdict: Verdict) -> dict[str, Any]:
    """Its document."""
    found = json.loads(verdict.as_json())
    assert isinstance(found, dict)
    return found
