"""How a candidate compares with the champion and its base: a pure function of their answers.

The rule. Each example has one primary score, the mean of the scores that decide for it
(`shared.model.scores`). Against each other side the candidate wins, loses or ties by the rule of
`shared.model.paired`: the primary scores' paired difference is told apart from zero, or it is not.
A win that the failed calls of the other side make is a tie: it must be one as well among the
examples at which those did not fail. Overall it is

- a loss, if it loses to the champion or to the base;
- else a win, if it wins against the champion, or against the base where there is no champion;
- else a tie. So it is with fewer than MIN_EXAMPLES examples, and with nobody to compare with.

Single scores are told apart by the same rule, each for itself; of several, one is told by chance
more often than 2.5 %. They decide nothing. The draws come from a seed that is the digest of the
inputs: the same inputs make the same bytes. No clock, no I/O.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from shared.model import paired, power_told, regressions
from shared.model.assertions import NONE, Assertions
from shared.model.evaluation import Example, Respondent, Role
from shared.model.paired import MIN_EXAMPLES, UNITS, Estimate, Power
from shared.model.regressions import Regression, Scored
from shared.model.scores import Metric, Rubric, Scores, rubric_of, scores_of, usable

SCHEMA = 1  # of the JSON, and of the rule: another rule is another digest
LOSSES = (500, 1_000)  # units whose power is told; the first in the sentence


class Outcome(StrEnum):
    """Of the candidate."""

    WIN = "win"
    TIE = "tie"
    LOSS = "loss"


_BY_SIGN = {1: Outcome.WIN, 0: Outcome.TIE, -1: Outcome.LOSS}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`others`: the champion and the base, as far as there are some. `judged` has a judge's scores,
    from 0 to 1, by line of the example. At most paired.MOST_EXAMPLES examples, each line once."""

    examples: tuple[Example, ...]
    candidate: Respondent
    others: tuple[Respondent, ...]
    assertions: Assertions = NONE
    judged: Mapping[Role, Mapping[int, float]] = field(default_factory=dict)
