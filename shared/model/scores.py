"""How good an answer is: numbers from 0 to 1, by what the data is.

Which scores apply to an example follows from what is asked and expected, never from an answer, so
they are the same for all who are compared. Those that decide are averaged to one primary score per
example; the others are told, and decide nothing. A call that failed scores 0 in all of them.

| score | applies where | decides |
|---|---|---|
| `tool_calls` | tools are declared, or a call is expected | always |
| `json_fields`, `json_valid` | a JSON object or list is expected | `json_fields` |
| `exact_match` | a text is expected | of a label: no more than LABEL_WORDS words |
| `token_f1`, `rouge_l` | a text is expected | of a longer text |
| `length_ratio` | a text is expected | never |
| `preferred` | the example is a preference | always |
| `assertions` | a promptfoo file asserts something of it | always |
| `judge` | a judge has scored every answer to it that did not fail | never |
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.model import json_fields, words
from shared.model.assertions import Case
from shared.model.evaluation import Answer, Call, Example

LABEL_WORDS = 4
MAX_CALLS = 128  # of one answer that are compared; the service gives no more


class Metric(StrEnum):
    TOOL_CALLS = "tool_calls"
    JSON_FIELDS = "json_fields"
    JSON_VALID = "json_valid"
    EXACT_MATCH = "exact_match"
    TOKEN_F1 = "token_f1"  # nosec B105
    ROUGE_L = "rouge_l"
    LENGTH_RATIO = "length_ratio"
    PREFERRED = "preferred"
    ASSERTIONS = "assertions"
    JUDGE = "judge"


Scores = Mapping[Metric, float]

_TEXT = (Metric.EXACT_MATCH, Metric.TOKEN_F1, Metric.ROUGE_L, Metric.LENGTH_RATIO)
_JSON = (Metric.JSON_FIELDS, Metric.JSON_VALID)
_ALWAYS = {
    *(Metric.TOOL_CALLS, Metric.JSON_FIELDS, Metric.PREFERRED, Metric.ASSERTIONS),
}


@dataclass(frozen=True, slots=True)
class Rubric:
    """How the answers to one example are scored: `metrics` apply, `deciding` are averaged."""

    example: Example
    metrics: frozenset[Metric]
    deciding: frozenset[Metric]
    cases: tuple[Case, ...] = ()

    def primary(self, scores: Scores) -> float:
        """The mean of the scores that decide."""
        return sum(scores[metric] for metric in sorted(self.deciding)) / len(self.deciding)


def rubric_of(example: Example, cases: tuple[Case, ...] = (), judged: bool = False) -> Rubric:
    """`judged`: whether a judge has scored the answers to this example."""
    metrics = {*_by_answer(example)}
    if example.request.get("tools") or example.request.get("functions") or example.expected.calls:
        metrics.add(Metric.TOOL_CALLS)
    if example.rejected and example.rejected.text and example.expected.text:
        metrics.add(Metric.PREFERRED)
    metrics |= {Metric.ASSERTIONS} if cases else set()
    metrics |= {Metric.JUDGE} if judged else set()
    return Rubric(example, frozenset(metrics), _deciding(example, metrics), cases)


def _by_answer(example: Example) -> tuple[Metric, ...]:
    expected = example.expected
    if expected.calls or not expected.text.strip():
        return ()
    return _TEXT if _document(expected.text) is None else _JSON


def _deciding(example: Example, metrics: set[Metric]) -> frozenset[Metric]:
    label = len(words.words(example.expected.text)) <= LABEL_WORDS
    of_text = {Metric.EXACT_MATCH} if label else {Metric.TOKEN_F1, Metric.ROUGE_L}
    return frozenset(metrics & (_ALWAYS | of_text))


def scores_of(rubric: Rubric, answer: Answer, judge: float | None = None) -> Scores:
    """Every score that applies. `judge`: what a judge gave this answer."""
    if answer.failed:
        return dict.fromkeys(rubric.metrics, 0.0)
    found = _text_scores(rubric.example, answer.text)
    found[Metric.TOOL_CALLS] = _same_calls(rubric.example.expected.calls, answer.calls)
    if rubric.cases:
        passed = [case.score(answer.text) for case in rubric.cases]
        found[Metric.ASSERTIONS] = sum(passed) / len(passed)
    if judge is not None:
        found[Metric.JUDGE] = judge
    return {metric: found[metric] for metric in rubric.metrics}


def usable(judge: float | None) -> bool:
    """Whether that is a judge's score: from 0 to 1, not NaN."""
    return judge is not None and math.isfinite(judge) and 0 <= judge <= 1


def _text_scores(example: Example, text: str) -> dict[Metric, float]:
    expected, rejected = example.expected.text, example.rejected
    given, wanted = words.words(text), words.words(expected)
    found = _overlap(expected, wanted, text, given)
    if rejected:
        found[Metric.PREFERRED] = _nearer(wanted, words.words(rejected.text), given)
    if (fields := _document(expected)) is not None:
        answered = json_fields.document(_as_fenced(expected, text))
        found[Metric.JSON_VALID] = float(answered is not None)
        agreed = 0.0 if answered is None else json_fields.agreement(fields, answered)
        found[Metric.JSON_FIELDS] = agreed
    return found


def _overlap(expected: str, wanted: list[str], text: str, given: list[str]) -> dict[Metric, float]:
    exact = float(words.same(expected, text))
    if not wanted:  # an expected answer of punctuation alone
        return {Metric.EXACT_MATCH: exact, **dict.fromkeys(_TEXT[1:], exact)}
    return {
        Metric.EXACT_MATCH: exact,
        Metric.TOKEN_F1: words.token_f1(wanted, given),
        Metric.ROUGE_L: words.rouge_l(wanted, given),
        Metric.LENGTH_RATIO: words.length_ratio(wanted, given),
    }


def _nearer(wanted: list[str], unwanted: list[str], given: list[str]) -> float:
    """1 for an answer that is more like the preferred one than like the other, 0 for the contrary,
    and between them one half."""
    towards, away = words.rouge_l(wanted, given), words.rouge_l(unwanted, given)
    return 0.5 if towards == away else float(towards > away)


def _document(expected: str) -> json_fields.Fields | None:
    return json_fields.document(json_fields.unfenced(expected))


def _as_fenced(expected: str, text: str) -> str:
    """A fence around an answer is taken off only where the expected answer has one as well: a
    program that parses the one would fail on the other."""
    return text if json_fields.unfenced(expected) == expected else json_fields.unfenced(text)


def _same_calls(expected: tuple[Call, ...], given: tuple[Call, ...]) -> float:
    """The share of calls of both that are the same, in whatever order; a call is the same by its
    name and its arguments as JSON. 1 where none was expected and none was made."""
    rest = [_meant(call) for call in given[:MAX_CALLS]]
    same = 0
    for call in map(_meant, expected):
        if call in rest:
            rest.remove(call)
            same += 1
    longer = max(len(expected), len(given))
    return same / longer if longer else 1.0


def _meant(call: Call) -> tuple[str, json_fields.Fields | str]:
    """No arguments are those of an empty object; what is no JSON is compared as it stands."""
    fields = json_fields.document(call.arguments or "{}")
    return call.name, call.arguments if fields is None else fields
