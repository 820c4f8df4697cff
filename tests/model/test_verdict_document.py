"""What a verdict tells: regressions with both answers, and a document that is the same for ever."""

import hashlib
import json
from typing import Any

import pytest

from shared.model.assertions import read
from shared.model.evaluation import Answer, Role
from shared.model.paired import MOST_EXAMPLES
from shared.model.regressions import MOST_LISTED
from shared.model.verdict import Comparison, verdict_of
from tests.support.compared import FAILED, comparison, example, right, told, wrong_at

LINES = range(1, 41)
EXAMPLES = [example(line) for line in LINES]
WORSE, MUCH = wrong_at(range(1, 11)), wrong_at(range(1, 31))
# The first digits of the SHA-256 of one verdict's bytes.
KNOWN = "183871d35f52"


# ---- regressions


def test_regressions_come_with_both_answers_the_worst_first() -> None:
    long = [example(n, f"The answer to the question is number {n} of forty") for n in LINES]
    nearly = Answer(text="The answer to the question is of forty")
    verdict = verdict_of(comparison(long, {7: nearly, 9: FAILED, 3: nearly}, {5: nearly}, None))
    found = told(verdict)["contests"][0]
    assert [one["line"] for one in found["regressions"]] == [9, 3, 7]
    assert (found["worse"], found["better"]) == (3, 1)
    worst, second, _ = found["regressions"]
    assert (worst["candidate"], worst["other"]) == (0, 1)
    assert worst["candidate_answer"] == "(failed: 429: too many requests)"
    assert second["candidate_answer"] == nearly.text
    assert second["other_answer"] == second["expected"] == long[2].expected.text


def test_a_slight_change_is_no_regression() -> None:
    long = [example(n, " ".join(f"word{k}" for k in range(40))) for n in LINES]
    nearly = Answer(text=long[0].expected.text.replace("word7 ", ""))
    found = told(verdict_of(comparison(long, dict.fromkeys(LINES, nearly), {}, None)))
    assert found["contests"][0]["worse"] == 0
    assert found["overall"] == "loss"  # it is told all the same that it is worse, by little


def test_answers_are_quoted_masked_short_and_printable() -> None:
    private = Answer(text="Write to jane.doe@contoso.com\x1b[31m " + "so " * 999)
    found = told(verdict_of(comparison(EXAMPLES, {1: private}, {}, None)))
    quoted = found["contests"][0]["regressions"][0]["candidate_answer"]
    assert "jane" not in quoted and "\x1b" not in quoted and len(quoted) <= 240
    assert b"jane" not in verdict_of(comparison(EXAMPLES, {1: private}, {}, None)).as_json()


def test_calls_are_quoted_as_calls() -> None:
    asked = [example(n, calls=[("look", '{"at": 1}')]) for n in LINES]
    found = told(verdict_of(comparison(asked, {1: Answer()}, {}, None)))
    worst = found["contests"][0]["regressions"][0]
    assert (worst["expected"], worst["candidate_answer"]) == ('look({"at": 1})', "(empty)")


def test_a_list_of_regressions_is_bounded_and_counted_whole() -> None:
    found = told(verdict_of(comparison(EXAMPLES, wrong_at(LINES), {}, None)))["contests"][0]
    assert (len(found["regressions"]), found["worse"]) == (MOST_LISTED, 40)


# ---- the document


def test_the_same_inputs_make_the_same_bytes_in_whatever_order_they_come() -> None:
    given = comparison(EXAMPLES, WORSE, {3: FAILED}, MUCH)
    turned = Comparison(given.examples[::-1], given.candidate, given.others[::-1])
    assert verdict_of(given).as_json() == verdict_of(turned).as_json()


def test_it_is_canonical_json_and_these_bytes_for_ever() -> None:
    """Where this fails, the rule has changed: verdict.RULE is to be changed with it."""
    made = verdict_of(comparison(EXAMPLES, WORSE, {3: FAILED}, MUCH)).as_json()
    again = json.dumps(
        json.loads(made), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    assert again.encode() == made
    assert hashlib.sha256(made).hexdigest().startswith(KNOWN)


@pytest.mark.parametrize(
    "changed",
    [
        comparison(EXAMPLES, {1: Answer(text="else")}, {}, None),
        comparison(EXAMPLES[1:], {}, {}, None),
        comparison(EXAMPLES, {}, {}, {}),
        comparison([*EXAMPLES[:-1], example(40, "else")], {}, {}, None),
        comparison(EXAMPLES, {}, {}, None, assertions=read(b"tests: []")),
        comparison(EXAMPLES, {}, {}, None, judged={Role.BASE: {1: 0.5}}),
        comparison(EXAMPLES, {1: right(EXAMPLES[0]).replace(seconds=0.6)}, {}, None),
    ],
)
def test_the_digest_is_of_all_that_a_verdict_is_made_of(changed: Comparison) -> None:
    known = comparison(EXAMPLES, {}, {}, None).digest
    assert len(known) == 64
    assert changed.digest != known


def test_a_dataset_with_half_a_character_has_a_verdict() -> None:
    asked = example(1, "\ud800", request={"messages": [{"role": "user", "content": "\udfff"}]})
    assert told(verdict_of(comparison([asked], {}, {}, None)))["examples"] == 1


@pytest.mark.parametrize(
    "examples", [[EXAMPLES[0]] * 2, [example(n, "a") for n in range(1, MOST_EXAMPLES + 2)]]
)
def test_lines_that_are_there_twice_or_too_many_are_refused(examples: list[Any]) -> None:
    with pytest.raises(ValueError, match="examples"):
        verdict_of(comparison(examples, {}, {}, None))
