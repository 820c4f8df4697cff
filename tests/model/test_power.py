"""What a comparison would have seen: held against simulated trials that scipy decides."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from scipy import stats

from shared.model.paired import CONFIDENCE, MIN_EXAMPLES, SEEN, UNITS, Chance, power
from tests.support.sampled import overlaps, right_or_wrong

ROOT = Path(__file__).parents[2]
Units = NDArray[np.int64]
CHANCE = Chance(2026)


def trials_of(loss: int, examples: int, rng: Generator) -> Units:
    """Of a champion that is right at nine of ten, and a candidate that is so as well but for a
    share of the examples, at which it fails."""
    shape, failing = (2_000, examples), loss / (0.9 * UNITS)
    champion, candidate = (right_or_wrong(0.9, shape, rng) for _ in range(2))
    answered = np.where(rng.random(shape) < failing, 0, candidate)
    return np.asarray(answered - champion, np.int64)


def seen_by_scipy(differences: Units) -> float:
    """The share that McNemar's exact test tells to be worse."""
    worse, better = ((sign * differences > 0).sum(axis=1) for sign in (-1, 1))
    p = 2 * stats.binom.cdf(better, worse + better, 0.5)
    return float(((worse > better) & (p <= 1 - CONFIDENCE)).mean())


def nine_of_ten(examples: int) -> tuple[Units, Units]:
    """Differences and the champion's scores, as they come on average: 18 % differ."""
    at = np.arange(examples)
    champion = np.where(at % 10 == 0, 0, UNITS)
    candidate = np.where(at % 10 == 1, 0, UNITS)
    candidate[at % 100 == 0] = champion[at % 100 == 0]
    candidate[at % 100 == 1] = UNITS
    return candidate - champion, champion


@pytest.mark.parametrize(
    ("examples", "loss"), [(60, 1_000), (200, 500), (200, 1_000), (100, 1_500)]
)
def test_power_agrees_with_simulation(examples: int, loss: int) -> None:
    told = power(*nine_of_ten(examples), loss, CHANCE)
    seen = seen_by_scipy(trials_of(loss, examples, default_rng(17)))
    assert told is not None and told.loss == loss
    assert told.seen == pytest.approx(seen, abs=0.07)


def test_the_table_in_the_docs_is_what_the_rule_would_see() -> None:
    """Of a champion that is right at nine of ten, and another one of the same kind: at every tenth
    example the one is wrong, at every tenth the other."""
    text = (ROOT / "docs/trust.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) % \| (\d+) % \| (\d+) % \|$", text, re.MULTILINE)
    assert len(rows) == 5
    for examples, *shares in rows:
        at = np.arange(int(examples)) % 10
        one, other = (np.where(at == wrong, 0, UNITS) for wrong in (0, 1))
        told = [power(one - other, other, loss, CHANCE) for loss in (500, 1_000, 2_000)]
        assert [round(100 * found.seen) for found in told if found] == list(map(int, shares))


@pytest.mark.parametrize("loss", [500, 1_000])
def test_as_many_examples_as_are_said_to_be_needed_show_the_loss(loss: int) -> None:
    told = power(*nine_of_ten(100), loss, CHANCE)
    assert told is not None
    seen = seen_by_scipy(trials_of(loss, told.needed, default_rng(19)))
    assert seen == pytest.approx(SEEN, abs=0.07)


def test_power_of_overlaps_agrees_with_the_t_test() -> None:
    rng, examples, loss = default_rng(23), 150, 800
    other = overlaps((1, examples), rng)[0]
    told = power(overlaps((1, examples), rng)[0] - other, other, loss, CHANCE)
    shape = (1_000, examples)
    one, two = overlaps(shape, rng), overlaps(shape, rng)
    failing = rng.random(shape) < loss / other.mean()
    tests = stats.ttest_1samp(np.where(failing, 0, one) - two, 0, axis=1)
    seen = ((tests.pvalue <= 1 - CONFIDENCE) & (tests.statistic < 0)).mean()
    assert told is not None
    assert told.seen == pytest.approx(seen, abs=0.1)


def test_more_examples_see_more_and_small_losses_are_seen_less() -> None:
    seen = {}
    for examples in (20, 80, 320):
        for loss in (500, 1_500):
            told = power(*nine_of_ten(examples), loss, CHANCE)
            assert told is not None
            seen[examples, loss] = told.seen
    assert seen[20, 500] < seen[80, 500] < seen[320, 500] < seen[320, 1_500]
    assert seen[20, 1_500] < seen[80, 1_500] <= seen[320, 1_500] == 1


def test_models_that_answered_alike_are_not_known_to_be_alike() -> None:
    """Not one difference at 40 examples: a loss at one of twenty would hardly have been seen."""
    alike, other = np.zeros(40, np.int64), np.full(40, UNITS)
    told = power(alike, other, 500, CHANCE)
    assert told is not None
    assert told.seen < 0.05 and told.needed > 100


def test_too_few_examples_see_nothing() -> None:
    told = power(np.full(MIN_EXAMPLES - 1, -UNITS), np.full(MIN_EXAMPLES - 1, UNITS), 500, CHANCE)
    assert told is not None and told.seen == 0


@pytest.mark.parametrize("level", [0, 400])
def test_who_has_no_points_can_lose_none(level: int) -> None:
    assert power(np.zeros(40, np.int64), np.full(40, level), 500, CHANCE) is None
