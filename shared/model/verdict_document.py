"""A verdict as JSON and in sentences: scores from 0 to 1, points of 100 in sentences.

Knows how a verdict is told, not how it is found.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from shared.dataset.findings.quoting import many, shorten
from shared.model.contest import Compared, Contest, Outcome
from shared.model.evaluation import Respondent
from shared.model.paired import CONFIDENCE, MIN_EXAMPLES, SEEN, UNITS, Power
from shared.model.scores import Rubric

DIGITS = 4
MOST_REASONS = 5  # why calls failed
_WORDS = {Outcome.WIN: "is better than", Outcome.LOSS: "is worse than"}


def canonical(told: Mapping[str, Any]) -> bytes:
    """Keys in order, nothing between, no number that is none."""
    text = json.dumps(
        told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def side(respondent: Respondent, rubrics: Sequence[Rubric]) -> dict[str, Any]:
    """Who answered, and how the calls went; `seconds` is the median of those that did not fail."""
    asked = [rubric.example for rubric in rubrics if respondent.asked(rubric.example)]
    answers = [respondent.answer(example) for example in asked]
    reasons = Counter(shorten(answer.failure, 200) for answer in answers if answer.failed)
    seconds = [answer.seconds for answer in answers if not answer.failed]
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return {
        "role": respondent.role,
        "name": respondent.name,
        "asked": len(answers),
        "not_asked": len(rubrics) - len(answers),
        "failed": sum(answer.failed for answer in answers),
        "failures": [{"reason": r, "count": count} for r, count in ordered[:MOST_REASONS]],
        "empty": sum(answer.empty for answer in answers),
        "cut": sum(answer.cut for answer in answers),
        "completion_tokens": sum(answer.completion_tokens for answer in answers),
        "seconds": round(median(seconds), 3) if seconds else None,
    }


def contest(found: Contest, candidate: str) -> dict[str, Any]:
    return {
        "against": {"role": found.other.role, "name": found.other.name},
        "outcome": found.outcome,
        "sentence": _outcome(candidate, found),
        "power_sentence": power_sentence(found),
        "confidence": CONFIDENCE,
        "primary": _compared(found.primary),
        "metrics": {name: _compared(one) for name, one in found.metrics.items()},
        "better": found.better,
        "worse": found.worse,
        "left_out": found.left_out,
        "power": [_power(power) for power in found.powers],
        "regressions": [
            {
                "line": one.line,
                "candidate": _score(one.candidate),
                "other": _score(one.other),
                "expected": one.expected,
                "candidate_answer": one.candidate_answer,
                "other_answer": one.other_answer,
            }
            for one in found.regressions
        ],
    }


def _compared(one: Compared) -> dict[str, Any]:
    return {
        "examples": one.examples,
        "candidate": _score(one.candidate),
        "other": _score(one.other),
        "difference": _score(one.estimate.mean),
        "low": _score(one.estimate.low),
        "high": _score(one.estimate.high),
        "p": round(one.estimate.p, DIGITS),
        "outcome": one.outcome,
        "decides": one.decides,
    }


def _power(power: Power) -> dict[str, Any]:
    return {
        "loss": _score(power.loss),
        "seen": round(power.seen, DIGITS),
        "examples_needed": power.needed,
    }


def _score(units: float) -> float:
    return round(units / UNITS, DIGITS) + 0.0  # never -0.0


# ---- in sentences


def sentence(candidate: str, found: Contest | None) -> str:
    if found is None:
        return f"{candidate} is compared with nothing: no example was asked of it and of another."
    told = [_outcome(candidate, found), power_sentence(found), _left_out(found)]
    return " ".join(filter(None, told))


def _left_out(found: Contest) -> str:
    if not found.left_out:
        return ""
    left_out = many(found.left_out, "example")
    return f"{left_out} more count for nothing: not both were asked."


def _outcome(candidate: str, found: Contest) -> str:
    other = f"{found.other.name} ({found.other.role})"
    if found.primary.examples < MIN_EXAMPLES:
        few = many(found.primary.examples, "example")
        return (
            f"{candidate} is not told apart from {other}: {few} can decide nothing, at least "
            f"{MIN_EXAMPLES} are needed."
        )
    numbers = _numbers(found.primary)
    if found.fragile:
        return (
            f"{candidate} scores higher than {other}, but only by {many(found.failed, 'call')} of "
            f"it that failed, so this is no win: {numbers}."
        )
    return f"{candidate} {_WORDS.get(found.outcome, 'is not told apart from')} {other}: {numbers}."


def _numbers(one: Compared) -> str:
    estimate = one.estimate
    return (
        f"{_points(one.candidate)} beside {_points(one.other)} points of 100, a difference of "
        f"{estimate.mean / 100:+.1f} ({estimate.low / 100:+.1f} to {estimate.high / 100:+.1f})"
    )


def _points(units: float) -> str:
    return f"{units / 100:.1f}"


def power_sentence(found: Contest) -> str:
    """`With 40 examples a true loss of 5 points is seen in 71 % of cases.`"""
    if not found.powers:
        return f"{found.other.name} scores too low to lose points: no power can be told."
    power, examples = found.powers[0], found.primary.examples
    share = "more than 99" if power.seen > 0.99 else f"{100 * power.seen:.0f}"
    seen = (
        f"With {many(examples, 'example')} a true loss of {power.loss / 100:.0f} points is seen in "
        f"{share} % of cases"
    )
    if power.seen >= SEEN:
        return f"{seen}."
    return f"{seen}; about {power.needed:,} examples would show it in {100 * SEEN:.0f} %."
