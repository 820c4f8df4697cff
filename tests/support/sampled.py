"""Scores of simulated models: a row for each trial, a column for each example, in units."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from shared.model.paired import UNITS

Units = NDArray[np.int64]


def right_or_wrong(share: float, shape: tuple[int, int], rng: Generator) -> Units:
    return np.asarray((rng.random(shape) < share) * UNITS, np.int64)


def overlaps(shape: tuple[int, int], rng: Generator) -> Units:
    """Scores such as F1's: most are high, some are nothing."""
    scores = np.rint(rng.beta(6, 2, shape) * UNITS) * (rng.random(shape) < 0.95)
    return np.asarray(scores, np.int64)
