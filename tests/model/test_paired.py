"""The rule by which two models are told apart, held against scipy and against simulated trials."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from scipy import stats

from shared.model.paired import (
    CONFIDENCE,
    MIN_EXAMPLES,
    MOST_EXAMPLES,
    RESAMPLES,
    UNITS,
    Chance,
    estimate,
    told_apart,
)
from tests.support.sampled import overlaps, right_or_wrong

Units = NDArray[np.int64]
TRIALS = 1_000
CHANCE = Chance(2026)
DIFFERENCES = st.lists(st.integers(-UNITS, UNITS), min_size=1, max_size=24)


Sample = Callable[[tuple[int, int], Generator], Units]
SAMPLES: dict[str, Sample] = {
    "half are right": lambda shape, rng: right_or_wrong(0.5, shape, rng),
    "most are right": lambda shape, rng: right_or_wrong(0.93, shape, rng),
    "nearly all are right": lambda shape, rng: right_or_wrong(0.99, shape, rng),
    "overlaps": overlaps,
}


@pytest.mark.parametrize("examples", [MIN_EXAMPLES, 15, 60])
@pytest.mark.parametrize("kind", SAMPLES)
def test_two_samples_of_one_model_are_told_apart_in_at_most_5_percent_of_1000_trials(
    kind: str, examples: int
) -> None:
    rng, shape = default_rng(7), (TRIALS, examples)
    one, other = SAMPLES[kind](shape, rng), SAMPLES[kind](shape, rng)
    told = told_apart(one - other, CHANCE.draws(examples))
    assert (told != 0).mean() <= 0.05


def test_with_two_others_a_verdict_is_by_chance_in_at_most_5_percent_of_1000_trials() -> None:
    """The candidate, the champion and the base are one model, whose scores hang together: hard
    examples are hard for all three."""
    rng, examples = default_rng(11), 40
    hard = rng.random((TRIALS, examples))
    candidate, champion, base = (
        ((rng.random((TRIALS, examples)) < 0.4 + 0.6 * hard) * UNITS).astype(np.int64)
        for _ in range(3)
    )
    drawn = CHANCE.draws(examples)
    by_champion, by_base = (told_apart(candidate - one, drawn) for one in (champion, base))
    assert ((by_champion != 0) | (by_base < 0)).mean() <= 0.05


def test_a_model_that_is_better_by_much_is_told() -> None:
    rng, shape = default_rng(3), (TRIALS, 60)
    differences = right_or_wrong(0.9, shape, rng) - right_or_wrong(0.5, shape, rng)
    assert (told_apart(differences, CHANCE.draws(60)) > 0).mean() > 0.95
    assert (told_apart(-differences, CHANCE.draws(60)) < 0).mean() > 0.95


def test_a_small_difference_at_every_example_is_seen_because_answers_are_paired() -> None:
    """Hard examples are hard for both: beside how much examples differ, two points are little."""
    rng = default_rng(5)
    other = rng.integers(0, UNITS - 400, 40)
    found = estimate(rng.integers(100, 300, 40), CHANCE.draws(40))
    assert found.apart == 1
    assert stats.ttest_ind(other + 200, other).pvalue > 0.5


# ---- beside scipy


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_interval_is_the_paired_percentile_bootstrap(kind: str) -> None:
    rng = default_rng(13)
    one, other = (SAMPLES[kind]((1, 80), rng)[0] for _ in range(2))
    found = estimate(one - other, CHANCE.draws(80))
    known = stats.bootstrap(
        (one, other),
        lambda a, b, axis: (a - b).mean(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=CONFIDENCE,
        n_resamples=20_000,
        rng=default_rng(1),
    )
    expected, error = known.confidence_interval, 0.15 * known.standard_error
    assert found.mean == pytest.approx((one - other).mean())
    assert found.low == pytest.approx(expected.low, abs=error)
    assert found.high == pytest.approx(expected.high, abs=error)


@pytest.mark.parametrize(("examples", "error"), [(6, 1e-12), (10, 1e-12), (11, 0.02), (50, 0.02)])
def test_p_is_that_of_the_sign_flip_test(examples: int, error: float) -> None:
    """Exact as long as all flips are no more than the resamples."""
    differences = default_rng(examples).integers(-3_000, 5_000, examples)
    known = stats.permutation_test(
        (differences,),
        lambda d, axis: d.mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000 if examples > 10 else np.inf,
        rng=default_rng(1),
    )
    found = estimate(differences, CHANCE.draws(examples))
    assert found.p == pytest.approx(known.pvalue, abs=error)


@pytest.mark.parametrize(("worse", "better"), [(6, 0), (7, 0), (9, 1), (12, 2), (11, 3)])
def test_of_right_and_wrong_answers_it_is_mcnemars_exact_test(worse: int, better: int) -> None:
    """What both answer alike says nothing, however much of it there is. An interval alone would
    tell 5 of 5 apart, which one model against itself has in one of 16 cases."""
    differences = np.array([-UNITS] * worse + [UNITS] * better + [0] * 60)
    known = stats.binomtest(worse, worse + better).pvalue
    found = estimate(differences, CHANCE.draws(len(differences)))
    assert found.p == pytest.approx(known, abs=0.01)
    assert (found.apart == -1) == (known <= 1 - CONFIDENCE)


def test_five_of_five_are_not_enough_although_the_interval_says_so() -> None:
    found = estimate(np.array([UNITS] * 5 + [0] * 35), CHANCE.draws(40))
    assert found.low > 0 and found.p > 1 - CONFIDENCE
    assert found.apart == 0


# ---- what must hold for any answers


@settings(max_examples=40)
@given(DIFFERENCES)
def test_whoever_is_better_the_other_is_worse(listed: list[int]) -> None:
    differences, drawn = np.array(listed), CHANCE.draws(len(listed))
    one, other = estimate(differences, drawn), estimate(-differences, drawn)
    assert (one.mean, one.p, one.apart) == (-other.mean, other.p, -other.apart)
    assert [one.low, one.high] == pytest.approx([-other.high, -other.low])
    assert one.low <= one.high
    assert one.apart == 0 or one.low * one.high > 0


@settings(max_examples=20)
@given(st.integers(-UNITS, UNITS), st.integers(MIN_EXAMPLES, 50))
def test_the_same_difference_everywhere_is_told(difference: int, examples: int) -> None:
    found = estimate(np.full(examples, difference), CHANCE.draws(examples))
    assert found.apart == np.sign(difference)
    assert found.low == found.high == difference


@settings(max_examples=20)
@given(st.lists(st.integers(1, UNITS), min_size=1, max_size=MIN_EXAMPLES - 1))
def test_a_few_examples_decide_nothing(listed: list[int]) -> None:
    assert estimate(np.array(listed), CHANCE.draws(len(listed))).apart == 0


def test_every_machine_draws_the_same() -> None:
    one, other = Chance(5).draws(40), Chance(5).draws(40)
    assert np.array_equal(one.counts, other.counts) and np.array_equal(one.signs, other.signs)
    assert (one.counts.sum(axis=1) == 40).all() and one.counts.shape == (RESAMPLES, 40)
    assert abs(one.signs.mean()) < 0.02 and set(np.unique(one.signs)) == {-1, 1}
    assert one.counts[0, :8].tolist() == [1, 3, 1, 1, 2, 0, 0, 0]
    assert one.signs[0, :8].tolist() == [-1, -1, -1, 1, -1, 1, 1, 1]
    assert not np.array_equal(one.counts, Chance(6).draws(40).counts)


def test_resamples_draw_every_example_as_often() -> None:
    counts = Chance(1).draws(30).counts
    assert np.allclose(counts.mean(axis=0), 1, atol=0.1)
    assert counts.var() == pytest.approx(1 - 1 / 30, abs=0.05)  # of a binomial count


def test_the_largest_comparison_is_exact() -> None:
    """Sums of whole numbers within what a float holds: none is rounded, in whatever order."""
    differences = np.full(MOST_EXAMPLES, UNITS)
    found = estimate(differences, CHANCE.draws(MOST_EXAMPLES))
    assert found.low == found.high == found.mean == UNITS
