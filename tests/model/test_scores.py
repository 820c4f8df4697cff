"""Which scores apply follows from what is expected, and each says what a user would mean by it."""

import math

import pytest

from shared.model.assertions import read
from shared.model.evaluation import Answer, Call, Example
from shared.model.scores import LABEL_WORDS, Metric, rubric_of, scores_of, usable
from tests.support.compared import FAILED, example, right

TOOLS = {"tools": [{"type": "function", "function": {"name": "look"}}]}
TICKET = '{"team": "billing", "urgent": true}'
LONG = "The invoice of last month was sent to the wrong address"


def scored(
    asked: Example, text: str = "", calls: tuple[tuple[str, str], ...] = ()
) -> dict[str, float]:
    answer = Answer(text=text, calls=tuple(Call(name=n, arguments=a) for n, a in calls))
    return {str(name): score for name, score in scores_of(rubric_of(asked), answer).items()}


@pytest.mark.parametrize(
    ("asked", "deciding", "told"),
    [
        (example(1, "billing"), {"exact_match"}, {"token_f1", "rouge_l", "length_ratio"}),
        (example(1, LONG), {"token_f1", "rouge_l"}, {"exact_match", "length_ratio"}),
        (example(1, TICKET), {"json_fields"}, {"json_valid"}),
        (example(1, f"```json\n{TICKET}\n```"), {"json_fields"}, {"json_valid"}),
        (example(1, calls=[("look", "{}")]), {"tool_calls"}, set()),
        (
            example(1, "billing", request=TOOLS),
            {"exact_match", "tool_calls"},
            {"token_f1", "rouge_l", "length_ratio"},
        ),
        (
            example(1, LONG, rejected="No idea."),
            {"token_f1", "rouge_l", "preferred"},
            {"exact_match", "length_ratio"},
        ),
    ],
)
def test_what_applies_and_what_decides(asked: Example, deciding: set[str], told: set[str]) -> None:
    rubric = rubric_of(asked)
    assert rubric.deciding == deciding
    assert rubric.metrics == deciding | told


def test_a_label_is_short() -> None:
    words = ["word"] * LABEL_WORDS
    assert Metric.EXACT_MATCH in rubric_of(example(1, " ".join(words))).deciding
    assert Metric.EXACT_MATCH not in rubric_of(example(1, " ".join([*words, "more"]))).deciding


@pytest.mark.parametrize(
    "asked",
    [
        example(1, "billing", request=TOOLS),
        example(1, LONG, rejected="No idea."),
        example(1, TICKET),
        example(1, "?!"),
        example(1, "👍"),
        example(1, calls=[("look", '{"a": [1]}'), ("look", "")]),
    ],
)
def test_the_expected_answer_scores_one_and_a_failed_call_nothing(asked: Example) -> None:
    rubric = rubric_of(asked)
    best, failed = scores_of(rubric, right(rubric.example)), scores_of(rubric, FAILED)
    assert set(best.values()) == {1.0} and rubric.primary(best) == 1
    assert set(failed.values()) == {0.0} and rubric.primary(failed) == 0
    assert best.keys() == failed.keys() == rubric.metrics


def test_a_failed_call_gets_nothing_for_calling_no_tool() -> None:
    """Nothing was called because nothing was answered."""
    rubric = rubric_of(example(1, "billing", request=TOOLS))
    half_an_answer = FAILED.replace(text="billing")
    assert rubric.primary(scores_of(rubric, half_an_answer)) == 0


def test_an_empty_answer_scores_nothing() -> None:
    for asked in (example(1, "billing"), example(1, LONG), example(1, TICKET), example(1, "?!")):
        assert set(scored(asked).values()) == {0.0}


def test_answers_that_are_too_long_score_less() -> None:
    found = scored(example(1, LONG), f"{LONG} {LONG} {LONG}")
    assert found["rouge_l"] == pytest.approx(0.5) == found["token_f1"]
    assert found["length_ratio"] == pytest.approx(1 / 3)


def test_punctuation_alone_is_compared_as_it_is() -> None:
    assert scored(example(1, "?"), "!")["token_f1"] == 0


@pytest.mark.parametrize(
    ("answer", "valid", "right_fields"),
    [
        ('{"urgent": true, "team": "billing"}', 1, 1),
        ('{"team": "billing", "urgent": "true"}', 1, 0.5),
        ('{"team": "billing"}', 1, 0.5),
        ('{"team": "billing", "urgent": true, "team": "sales"}', 0, 0),
        ('{"team": "billing", "urgent": NaN}', 0, 0),
        (f"```json\n{TICKET}\n```", 0, 0),
        (f"Sure! {TICKET}", 0, 0),
        ("billing", 0, 0),
    ],
)
def test_json_is_judged_as_the_program_behind_it_would(
    answer: str, valid: float, right_fields: float
) -> None:
    found = scored(example(1, TICKET), answer)
    assert (found["json_valid"], found["json_fields"]) == (valid, right_fields)


def test_a_fence_is_taken_off_where_one_is_expected() -> None:
    fenced = example(1, f"```json\n{TICKET}\n```")
    assert scored(fenced, f"```\n{TICKET}\n```")["json_fields"] == 1
    assert scored(fenced, TICKET)["json_fields"] == 1


@pytest.mark.parametrize(
    ("calls", "share"),
    [
        ([("look", '{"b":{"d":2,"c":1},"a":[1]}')], 1),
        ([("look", '{"a": [1.0], "b": {"c": 1, "d": 2}}')], 1),
        ([("look", '{"a": [1], "b": {"c": 1}}')], 0),
        ([("Look", '{"a": [1], "b": {"c": 1, "d": 2}}')], 0),
        ([("look", '{"a": [1], "b": {"c": 1, "d": 2}, "e": 1}')], 0),
        ([("look", '{"a": [1], "b": {"c": 1, "d": 2}}'), ("stop", "")], 0.5),
        ([], 0),
    ],
)
def test_a_call_is_the_same_by_its_name_and_its_arguments_as_json(
    calls: list[tuple[str, str]], share: float
) -> None:
    asked = example(1, calls=[("look", '{"a": [1], "b": {"c": 1, "d": 2}}')])
    assert scored(asked, calls=tuple(calls))["tool_calls"] == share


def test_calls_may_come_in_another_order_but_not_twice() -> None:
    asked = example(1, calls=[("look", '{"at": 1}'), ("look", '{"at": 2}')])
    one, two = ("look", '{"at": 1}'), ("look", '{"at": 2}')
    assert scored(asked, calls=(two, one))["tool_calls"] == 1
    assert scored(asked, calls=(one, one))["tool_calls"] == 0.5
    twice = example(1, calls=[one, one])
    assert scored(twice, calls=(one, two))["tool_calls"] == 0.5


def test_no_arguments_are_an_empty_object_and_nothing_else() -> None:
    asked = example(1, calls=[("stop", "{}")])
    assert scored(asked, calls=(("stop", ""),))["tool_calls"] == 1
    assert scored(asked, calls=(("stop", '{"now": true}'),))["tool_calls"] == 0
    assert scored(example(1, calls=[("stop", "now")]), calls=(("stop", "now"),))["tool_calls"] == 1


def test_a_call_where_a_text_was_expected_is_wrong() -> None:
    found = scored(example(1, "billing", request=TOOLS), "billing", (("look", "{}"),))
    assert (found["exact_match"], found["tool_calls"]) == (1, 0)


def test_a_preference_asks_which_answer_is_nearer() -> None:
    asked = example(1, "Arr, the sea be calm today, matey", rejected="The sea is calm today.")
    assert scored(asked, "Arr, the sea be calm")["preferred"] == 1
    assert scored(asked, "The sea is calm")["preferred"] == 0
    assert scored(asked, "")["preferred"] == 0.5


def test_assertions_are_part_of_the_primary_score() -> None:
    asserted = read(b"tests: [{assert: [{type: icontains, value: bill}, {type: is-json}]}]")
    asked = example(1, "billing")
    rubric = rubric_of(asked, asserted.about(asked))
    assert rubric.deciding == {"exact_match", "assertions"}
    assert rubric.primary(scores_of(rubric, right(asked))) == 0.75


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, -0.1, 1.1, None])
def test_what_is_no_score_of_a_judge(score: float | None) -> None:
    assert not usable(score)
