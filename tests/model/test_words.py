"""How alike two texts are, in every script, and in bounded time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.words import (
    MAX_ORDERED,
    length_ratio,
    rouge_l,
    same,
    token_f1,
    words,
)
from tests.support.growth import too_slow

LISTS = st.lists(st.sampled_from("abcd"), max_size=12)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Fair winds, matey!", ["fair", "winds", "matey"]),
        ("red,green;blue", ["red", "green", "blue"]),
        ("3.5 % at 12:30, 1,000 times.", ["3.5", "at", "12:30", "1,000", "times"]),
        ("ＡＢＣ ﬁne café", ["abc", "fine", "café"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("世界です", ["世", "界", "で", "す"]),
        ("पूर्व प्रधानमन्त्री", ["पूर्व", "प्रधानमन्त्री"]),  # vowel signs belong to their words
        ("👍️ costs 5€", ["👍", "costs", "5", "€"]),
        ("?! …", []),
    ],
)
def test_words_are_those_of_every_script(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize("text", ["สวัสดี", "日本語の文章", "पूर्व छ।", "Привет, мир", "مرحبا", "🏴‍☠️"])
def test_no_script_scores_nothing_against_itself(text: str) -> None:
    assert words(text)
    assert token_f1(words(text), words(text)) == rouge_l(words(text), words(text)) == 1


def test_vowel_signs_tell_words_apart() -> None:
    assert token_f1(words("की"), words("का")) == 0


def test_the_same_text_in_another_normal_form_is_the_same() -> None:
    assert same("caf\u00e9  au\nlait ", "cafe\u0301 au lait")
    assert not same("Yes", "yes")
    assert not same("5²", "52")


def test_f1_knows_no_order_and_rouge_does() -> None:
    one, other = words("a b c d"), words("d c b a")
    assert token_f1(one, other) == 1
    assert rouge_l(one, other) == 0.25
    assert token_f1(words("a b c"), words("a x")) == pytest.approx(2 / 5)


def test_repeated_words_count_as_often_as_both_have_them() -> None:
    assert token_f1(["a"], ["a"] * 9) == pytest.approx(0.2)


@given(LISTS, LISTS)
def test_rouge_l_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            longer = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else longer
    total = len(one) + len(other)
    assert rouge_l(one, other) == (2 * table[-1][-1] / total if total else 1)


@given(LISTS, LISTS)
def test_the_two_may_be_exchanged(one: list[str], other: list[str]) -> None:
    for score in (token_f1, rouge_l, length_ratio):
        assert score(one, other) == score(other, one)
        assert 0 <= score(one, other) <= 1


def test_a_long_answer_is_no_better_for_its_beginning() -> None:
    wanted = ["a"] * MAX_ORDERED
    assert rouge_l(wanted, wanted * 9) == pytest.approx(0.2)


def test_the_time_of_a_very_long_answer_is_bounded() -> None:
    texts = [" ".join(f"w{n % 997}" for n in range(count)) for count in (50_000, 200_000)]
    few, many = (lambda text=text: rouge_l(words(text), words(text)) for text in texts)
    assert (told := too_slow(few, many)) is None, told
