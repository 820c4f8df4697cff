"""The verdict on a candidate: who is better, by what evidence, and what has become worse."""

import math
import random

import numpy as np
import pytest

from shared.model.assertions import read
from shared.model.contest import Outcome
from shared.model.evaluation import Answer, Role
from shared.model.paired import MIN_EXAMPLES, UNITS, Chance, told_apart
from shared.model.scores import rubric_of, scores_of
from shared.model.verdict import verdict_of
from tests.support.compared import (
    FAILED,
    comparison,
    example,
    garbled,
    only_asked,
    right,
    told,
    wrong_at,
)
from tests.support.growth import seconds

LINES = range(1, 41)
EXAMPLES = [example(line) for line in LINES]
WORSE, MUCH = wrong_at(range(1, 11)), wrong_at(range(1, 31))
WIN, TIE, LOSS = Outcome.WIN, Outcome.TIE, Outcome.LOSS


# ---- the rule


@pytest.mark.parametrize(
    ("candidate", "champion", "base", "overall"),
    [
        ({}, WORSE, MUCH, WIN),
        ({}, {}, MUCH, TIE),  # as good as the champion is not better
        (WORSE, {}, MUCH, LOSS),
        (WORSE, MUCH, {}, LOSS),  # better than the champion, and worse than what was trained on
        ({}, WORSE, {}, WIN),
        ({}, None, MUCH, WIN),  # the first version
        ({}, None, {}, TIE),
        (WORSE, None, {}, LOSS),
        ({}, WORSE, None, WIN),
        ({}, None, None, TIE),
    ],
)
def test_overall_is_by_champion_and_base(
    candidate: dict[int, Answer],
    champion: dict[int, Answer] | None,
    base: dict[int, Answer] | None,
    overall: Outcome,
) -> None:
    verdict = verdict_of(comparison(EXAMPLES, candidate, champion, base))
    assert verdict.overall is overall
    assert told(verdict)["overall"] == overall


def test_the_sentence_is_about_who_it_was_decided_by() -> None:
    lost = verdict_of(comparison(EXAMPLES, WORSE, MUCH, {}))
    assert lost.sentence.startswith(
        "captain@2 is worse than gpt-4.1-nano (base): 75.0 beside 100.0"
    )
    tie = verdict_of(comparison(EXAMPLES, {}, {}, MUCH))
    assert tie.sentence.startswith("captain@2 is not told apart from captain@1 (champion): ")
    alone = verdict_of(comparison(EXAMPLES))
    assert "compared with nothing" in alone.sentence


def test_a_verdict_prints_its_own_power() -> None:
    verdict = verdict_of(comparison(EXAMPLES, {}, wrong_at([1, 2]), wrong_at([3])))
    assert "With 40 examples a true loss of 5 points is seen in " in verdict.sentence
    assert " % of cases; about " in verdict.sentence
    for contest in told(verdict)["contests"]:
        few, many = contest["power"]
        assert (few["loss"], many["loss"]) == (0.05, 0.1)
        assert 0 < few["seen"] < many["seen"] < 1
        assert few["examples_needed"] > many["examples_needed"] > 40


def test_a_comparison_with_much_power_names_no_number_that_is_needed() -> None:
    many = [example(line) for line in range(1, 301)]
    sentence = verdict_of(comparison(many, {}, {}, None)).sentence
    assert sentence.endswith("With 300 examples a true loss of 5 points is seen in 99 % of cases.")


def test_of_a_champion_without_points_no_power_is_told() -> None:
    found = told(verdict_of(comparison(EXAMPLES, {}, wrong_at(LINES), None)))
    assert found["contests"][0]["power"] == []
    assert "no power can be told" in found["sentence"]


# ---- few examples, none, and all alike


@pytest.mark.parametrize("count", [1, MIN_EXAMPLES - 1, MIN_EXAMPLES])
def test_so_few_examples_decide_nothing_and_it_is_said_how_many_are_needed(count: int) -> None:
    few = EXAMPLES[:count]
    verdict = verdict_of(comparison(few, {}, wrong_at(LINES[:count]), {}))
    decides = count >= MIN_EXAMPLES
    assert verdict.overall is (WIN if decides else TIE)
    said = "can decide nothing, at least 8 are needed" in verdict.sentence
    assert said is not decides
    both_right = verdict_of(comparison(few, {}, {}, None)).sentence
    assert "examples would show it in 80 %" in both_right


def test_without_examples_nothing_is_compared() -> None:
    verdict = verdict_of(comparison([], {}, {}, {}))
    assert (verdict.overall, verdict.contests) == (TIE, ())
    assert told(verdict)["examples"] == 0


def test_answers_that_are_all_alike_are_a_tie() -> None:
    for answers in ({}, wrong_at(LINES), dict.fromkeys(LINES, FAILED)):
        verdict = verdict_of(comparison(EXAMPLES, answers, answers, answers))
        assert verdict.overall is TIE
        for contest in told(verdict)["contests"]:
            primary = contest["primary"]
            assert (primary["low"], primary["high"], primary["p"]) == (0, 0, 1)


# ---- calls that failed


def test_a_failed_call_of_the_candidate_is_a_failure() -> None:
    failed = dict.fromkeys(range(1, 11), FAILED)
    verdict = verdict_of(comparison(EXAMPLES, failed, {}, None))
    assert verdict.overall is LOSS
    ours, theirs = told(verdict)["sides"]
    assert (ours["failed"], theirs["failed"]) == (10, 0)
    assert ours["failures"] == [{"reason": "429: too many requests", "count": 10}]


def test_failures_of_the_other_alone_make_no_win() -> None:
    """A champion that was throttled for a minute is not worse for it."""
    failed = dict.fromkeys(range(1, 21), FAILED)
    verdict = verdict_of(comparison(EXAMPLES, {}, failed, {}))
    found = told(verdict)["contests"][0]
    assert (verdict.overall, found["outcome"]) == (TIE, "tie")
    assert found["primary"]["outcome"] == "win"
    assert "only by 20 calls of it that failed, so this is no win" in verdict.sentence


def test_a_win_stays_one_when_the_other_failed_as_well() -> None:
    failed = dict.fromkeys(range(31, 41), FAILED)
    verdict = verdict_of(comparison(EXAMPLES, {}, {**WORSE, **failed}, {}))
    assert verdict.overall is WIN


def test_failures_of_both_are_no_difference() -> None:
    failed = dict.fromkeys(range(1, 39), FAILED)
    verdict = verdict_of(comparison(EXAMPLES, failed, failed, failed))
    assert verdict.overall is TIE
    assert [side["failed"] for side in told(verdict)["sides"]] == [38, 38, 38]


def test_what_one_of_two_was_not_asked_counts_for_neither_and_is_told() -> None:
    """A deployment of little capacity is asked a part of them before time is over."""
    given = comparison(EXAMPLES, {}, WORSE, MUCH)
    verdict = verdict_of(only_asked(given, Role.CANDIDATE, range(11, 41)))
    found = told(verdict)
    assert (verdict.overall, found["contests"][0]["primary"]["examples"]) == (TIE, 30)
    ours = found["sides"][0]
    assert (ours["asked"], ours["not_asked"], ours["failed"]) == (30, 10, 0)
    assert [one["left_out"] for one in found["contests"]] == [10, 10]
    assert "10 × an example that captain@2 (candidate) was not asked" in found["notes"]
    assert "10 examples more count for nothing: not both were asked" in verdict.sentence


def test_what_the_base_was_not_asked_is_in_the_pair_with_the_champion() -> None:
    given = comparison(EXAMPLES, {}, WORSE, {})
    found = told(verdict_of(only_asked(given, Role.BASE, range(1, 6))))
    assert [one["primary"]["examples"] for one in found["contests"]] == [40, 5]
    assert found["overall"] == "win"


def test_with_who_was_asked_nothing_there_is_no_contest() -> None:
    given = comparison(EXAMPLES, {}, WORSE, {})
    found = told(verdict_of(only_asked(given, Role.CHAMPION, ())))
    assert [one["against"]["role"] for one in found["contests"]] == ["base"]
    assert "40 × an example that captain@1 (champion) was not asked" in found["notes"]
    nobody = told(verdict_of(only_asked(given, Role.CANDIDATE, ())))
    assert (nobody["overall"], nobody["contests"]) == ("tie", [])


def test_empty_answers_and_answers_cut_off_are_counted() -> None:
    cut = Answer(text="It is", finish_reason="length", completion_tokens=7, seconds=2)
    verdict = verdict_of(comparison(EXAMPLES, {1: Answer(), 2: Answer(text=" "), 3: cut}, {}, None))
    ours = told(verdict)["sides"][0]
    assert (ours["empty"], ours["cut"], ours["failed"], ours["asked"]) == (2, 1, 0, 40)
    assert (ours["completion_tokens"], ours["seconds"]) == (7, 0.5)


# ---- scores beside the primary one


def test_single_scores_are_told_and_decide_nothing() -> None:
    long = [example(line, "The quick brown fox jumps over the lazy dog today") for line in LINES]
    shouted = {line: Answer(text=right(long[0]).text.upper()) for line in LINES}
    verdict = verdict_of(comparison(long, shouted, {}, None))
    metrics = told(verdict)["contests"][0]["metrics"]
    assert verdict.overall is TIE
    assert metrics["exact_match"]["outcome"] == "loss" and not metrics["exact_match"]["decides"]
    assert metrics["rouge_l"]["outcome"] == "tie" and metrics["rouge_l"]["decides"]


def test_a_score_is_over_the_examples_that_it_applies_to() -> None:
    mixed = [example(n, f'{{"line": {n}}}') if n > 30 else example(n) for n in LINES]
    wrong = wrong_at(range(31, 41), Answer(text='{"line": 0}'))
    metrics = told(verdict_of(comparison(mixed, wrong, {}, None)))["contests"][0]["metrics"]
    assert (metrics["json_fields"]["examples"], metrics["json_fields"]["candidate"]) == (10, 0)
    assert (metrics["json_valid"]["candidate"], metrics["json_valid"]["decides"]) == (1, False)
    assert (metrics["exact_match"]["examples"], metrics["exact_match"]["candidate"]) == (30, 1)


def test_assertions_of_a_promptfoo_file_decide_too() -> None:
    polite = read(b"tests: [{assert: [{type: not-icontains, value: kraken}]}]")
    kraken = {line: Answer(text=f"It is line {line}. Kraken!") for line in LINES}
    given = comparison(EXAMPLES, kraken, kraken, {}, assertions=polite)
    verdict = verdict_of(given)
    metrics = told(verdict)["contests"][1]["metrics"]
    assert (metrics["assertions"]["candidate"], metrics["assertions"]["other"]) == (0, 1)
    assert verdict.overall is LOSS


def test_a_test_that_is_about_no_example_is_told() -> None:
    other = read(b"tests: [{vars: {q: Who?}, assert: [{type: is-json}]}]")
    found = told(verdict_of(comparison(EXAMPLES, {}, {}, None, assertions=other)))
    assert found["notes"] == ["1 × a test of the promptfoo file that is about no example"]
    assert "assertions" not in found["contests"][0]["metrics"]


def test_a_judge_decides_where_it_has_scored_all_who_answered() -> None:
    judged = {
        Role.CANDIDATE: {1: 1.0, 2: math.nan, 3: 0.5, 4: 1.0},
        Role.CHAMPION: {1: 0.0, 2: 0.0, 4: 7.0},
    }
    given = comparison(EXAMPLES, {}, {3: FAILED}, None, judged=judged)
    judge = told(verdict_of(given))["contests"][0]["metrics"]["judge"]
    assert (judge["examples"], judge["candidate"], judge["other"]) == (2, 0.75, 0)
    failed = told(verdict_of(comparison(EXAMPLES, {1: FAILED}, {1: FAILED}, None, judged=judged)))
    assert "judge" not in failed["contests"][0]["metrics"]


def test_an_example_that_nothing_is_scored_of_is_told() -> None:
    blank = example(99, " ")
    found = told(verdict_of(comparison([*EXAMPLES, blank], {}, {}, None)))
    assert found["notes"] == ["1 × an example that no score applies to"]
    assert found["examples"] == 40


# ---- its errors, and its time


def test_recorded_answers_of_one_model_are_told_apart_in_at_most_5_percent_of_1000_trials() -> None:
    """Six answers of one model to each of forty examples, scored as a verdict scores them; in every
    trial two different ones are drawn of each."""
    chance = random.Random(29)
    text = "aye the wind is fair and the sea is calm so hoist the sails and steer for home"
    table = []
    for line in LINES:
        rubric = rubric_of(example(line, f"{text} {line}"))
        said = (garbled(rubric.example.expected.text, 0.3, chance) for _ in range(6))
        scores = (scores_of(rubric, Answer(text=one)) for one in said)
        table.append([round(rubric.primary(one) * UNITS) for one in scores])
    drawn = [[chance.sample(answers, 2) for answers in table] for _ in range(1_000)]
    pairs = np.array(drawn)
    found = told_apart(pairs[:, :, 0] - pairs[:, :, 1], Chance(1).draws(len(table)))
    assert (found != 0).mean() <= 0.05


def test_a_verdict_over_200_examples_takes_well_below_a_second() -> None:
    chance = random.Random(31)
    many = [example(n, " ".join(chance.choices("abcdefgh", k=60))) for n in range(1, 201)]
    said = [
        {one.line: Answer(text=garbled(one.expected.text, share, chance)) for one in many}
        for share in (0.1, 0.2, 0.5)
    ]
    given = comparison(many, *said)
    assert seconds(lambda: verdict_of(given).as_json(), 2) < 1
