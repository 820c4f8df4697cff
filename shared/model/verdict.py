"""How a candidate compares with the champion and its base: a pure function of their answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.assertions import NONE, Assertions
from shared.model.evaluation import Example, Respondent, Role


class Outcome(StrEnum):
    """Of the candidate."""

    WIN = "win"
    TIE = "tie"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`others`: the champion and the base, as far as there are some. `judged` has a judge's scores,
    from 0 to 1, by line of the example."""

    examples: tuple[Example, ...]
    candidate: Respondent
    others: tuple[Respondent, ...]
    assertions: Assertions = NONE
    judged: Mapping[Role, Mapping[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    overall: Outcome
    sentence: str  # why, with the power of the comparison
    digest: str  # SHA-256 of the inputs

    def as_json(self) -> bytes:
        """Canonical: the same inputs make the same bytes."""
        raise NotImplementedError


def verdict_of(comparison: Comparison) -> Verdict:
    raise NotImplementedError
