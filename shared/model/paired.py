"""Are two models told apart by their answers to the same examples? The rule, and its chances.

The difference of two models is the mean of the differences of their scores, example by example. Its
interval is the paired bootstrap's (percentiles of the means of RESAMPLES resamples of the
examples). An interval alone is too sure of itself where examples are few or most differences are
zero, so a second condition is exact: the sign-flip test, in which the two answers to each example
are exchanged by chance, with p no more than 1 - CONFIDENCE. Both must say so, on at least
MIN_EXAMPLES examples. Two samples of one model are exchangeable, so whatever their scores look like
they are told apart in at most 2.5 % of cases; a candidate that is compared with two others, in 5 %.

Scores are whole numbers, UNITS for a score of 1: sums of them are exact, so every machine finds
the same. Arrays are numpy's; knows scores, not models.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

UNITS = 10_000
RESAMPLES = 2_000
CONFIDENCE = 0.975
MIN_EXAMPLES = 8  # two sides of 2 ** 7 flips are below 2.5 %, and one more
MOST_EXAMPLES = 1_000  # the draws for so many take 16 MB
TRIALS = 400  # of a simulation: a share of 70 % is known to 2.3 points (standard error)
SEEN = 0.8  # the power that a comparison should have, by convention

Units = NDArray[np.int64]
EXACT = np.float32  # for whole numbers up to 2 ** 24; no sum is beyond MOST_EXAMPLES * UNITS
Exact = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """`counts`: how often each example is in each resample; `signs`: whether its answers are
    exchanged. Both have a column for each of n examples, `counts` RESAMPLES rows; `signs` has as
    many, or all 2 ** n of them where these are no more, and the test is exact then."""

    counts: Exact
    signs: Exact
    exact: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of candidate minus other, in units; `apart` is 1 where the candidate is told to be better, -1
    where it is told to be worse, and 0 otherwise."""

    mean: float
    low: float
    high: float
    p: float
    apart: int


class Chance:
    """All that is drawn for one verdict: the same for the same seed (a number of any size), on
    every machine."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drawn: dict[int, Draws] = {}

    def draws(self, examples: int) -> Draws:
        """For a comparison by so many examples; 1 to MOST_EXAMPLES."""
        assert 0 < examples <= MOST_EXAMPLES, f"{examples} examples"
        if examples not in self._drawn:
            self._drawn[examples] = _draws(examples, self.seed)
        return self._drawn[examples]


def _draws(examples: int, seed: int) -> Draws:
    chosen = _raw(seed, "resamples", RESAMPLES * examples) % np.uint64(examples)
    rows = np.repeat(np.arange(RESAMPLES) * examples, examples)
    places = rows + chosen.astype(np.int64)
    counts = np.bincount(places, minlength=RESAMPLES * examples).reshape(RESAMPLES, examples)
    exact = 2**examples <= RESAMPLES
    signs = _all_signs(examples) if exact else _signs(seed, (RESAMPLES, examples))
    return Draws(counts.astype(EXACT), signs.astype(EXACT), exact)


def _raw(seed: int, purpose: str, size: int) -> NDArray[np.uint64]:
    """Numbers of 64 bits; numpy promises that these stay as they are for a seed."""
    bits = np.random.PCG64([seed, *purpose.encode()])
    return np.asarray(bits.random_raw(size), np.uint64)


def _signs(seed: int, shape: tuple[int, int], purpose: str = "signs") -> Floats:
    """1 or -1, each by one bit."""
    size = shape[0] * shape[1]
    words = _raw(seed, purpose, size // 64 + 1).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8))[:size].reshape(shape)
    return np.where(bits, -1.0, 1.0)


def _all_signs(examples: int) -> Floats:
    every = np.arange(2**examples)[:, None] >> np.arange(examples)
    return np.where(every & 1, -1.0, 1.0)


def told_apart(differences: Units, drawn: Draws) -> NDArray[np.int64]:
    """The rule, for many comparisons at once: `differences` has a row for each, and a column for
    each example. 1 where the candidate is better, -1 where it is worse, 0 where neither is told."""
    told = np.zeros(len(differences), np.int64)
    if differences.shape[1] < MIN_EXAMPLES:
        return told
    values = differences.astype(EXACT)
    sure = np.flatnonzero(_p(values, drawn) <= 1 - CONFIDENCE)
    if len(sure):  # the interval is the dearer half
        low, high = _interval(values[sure], drawn)
        told[sure] = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    return told


def estimate(differences: Units, drawn: Draws) -> Estimate:
    """Of one comparison: a difference for each example."""
    row = differences[None, :]
    values = row.astype(EXACT)
    low, high = _interval(values, drawn)
    p, apart = _p(values, drawn), told_apart(row, drawn)
    mean = float(differences.sum()) / len(differences)
    return Estimate(mean, float(low[0]), float(high[0]), float(p[0]), int(apart[0]))


def _interval(values: Exact, drawn: Draws) -> tuple[Floats, Floats]:
    sums = (values @ drawn.counts.T).astype(np.float64)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(sums, (tail, 1 - tail), axis=1)
    return low / values.shape[1], high / values.shape[1]


def _p(values: Exact, drawn: Draws) -> Floats:
    """Two-sided. Where the flips are a sample of all, the one that was observed is counted too."""
    found = np.abs(values.sum(axis=1))
    flipped = values @ drawn.signs.T
    np.abs(flipped, out=flipped)
    as_far = np.count_nonzero(flipped >= found[:, None], axis=1)
    drawn_flips = len(drawn.signs)
    share = as_far / drawn_flips if drawn.exact else (as_far + 1) / (drawn_flips + 1)
    return np.asarray(share, np.float64)


# ---- what the rule would see


@dataclass(frozen=True, slots=True)
class Power:
    """`loss`: a true loss, in units; `seen`: the share of cases in which it would be told;
    `needed`: about how many examples would show it in SEEN of cases."""

    loss: int
    seen: float
    needed: int


def power(differences: Units, other: Units, loss: int, chance: Chance) -> Power | None:
    """What the rule would make of a candidate that is as good as the other, but for a share of the
    examples at which it fails altogether, so that it loses `loss` on average: TRIALS comparisons
    are drawn and put to the rule. How far the answers of equal models are apart is taken from the
    differences: as far as they lie from their median, to either side. None where the other's scores
    are too low to lose so much."""
    level = float(other.mean())
    if not 0 < loss <= level:
        return None
    apart = np.abs(differences - round(float(np.median(differences))))
    failing = loss / level
    seen = 0.0
    if len(differences) >= MIN_EXAMPLES:
        trials = _trials(apart, other, failing, chance.seed)
        seen = float((told_apart(trials, chance.draws(len(differences))) < 0).mean())
    return Power(loss, seen, _needed(apart, other, failing, loss))


def _trials(apart: Units, other: Units, failing: float, seed: int) -> Units:
    """Differences of TRIALS comparisons, a row each."""
    shape = (TRIALS, len(apart))
    size = TRIALS * len(apart)
    chosen = (_raw(seed, "trials", size) % np.uint64(len(apart))).astype(np.int64).reshape(shape)
    fails = (_raw(seed, "fails", size) >> np.uint64(11)).reshape(shape) < failing * 2.0**53
    to_either_side = apart[chosen] * _signs(seed, shape, "sides").astype(np.int64)
    return np.where(fails, -other[chosen], to_either_side)


def _needed(apart: Units, other: Units, failing: float, loss: int) -> int:
    """By the normal approximation, to two digits upwards."""
    squares = (1 - failing) * np.square(apart, dtype=np.float64).mean()
    squares += failing * np.square(other, dtype=np.float64).mean()
    normal = NormalDist()
    reach = normal.inv_cdf(1 - (1 - CONFIDENCE) / 2) + normal.inv_cdf(SEEN)
    count = reach**2 * max(float(squares) - loss**2, 0.0) / loss**2
    return max(_two_digits(count), MIN_EXAMPLES)


def _two_digits(count: float) -> int:
    step = int(10 ** max(len(str(int(count))) - 2, 0))
    return -int(-count // step) * step
