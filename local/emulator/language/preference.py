"""Direct preference optimisation: learn which of two answers is better (Rafailov et al., 2023).

The policy that training starts from is the reference, so its log-probabilities are computed once,
before the first step, and the model need not be in memory twice. Knows torch and no jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn import functional

from .dataset import Pair
from .encoding import Encoded, encode_all
from .loss import Loss, Score, likelihood


@dataclass(frozen=True)
class ReferencePair:
    """A pair in tokens; `reference` is how much likelier the reference finds the preferred one."""

    preferred: Encoded
    rejected: Encoded
    reference: float = 0.0
    terms = 1

    @property
    def size(self) -> int:
        return 2 * max(self.preferred.size, self.rejected.size)


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair]) -> list[ReferencePair]:
    preferred = encode_all(tokenizer, [pair.preferred for pair in pairs])
    rejected = encode_all(tokenizer, [pair.rejected for pair in pairs])
    return [ReferencePair(*both) for both in zip(preferred, rejected, strict=True)]


def with_reference(
    model: Any, pairs: Sequence[ReferencePair], check: Callable[[], None]
) -> list[ReferencePair]:
    """The pairs with the reference's margin, which is the model's before its first step."""
    scored = []
    for pair in pairs:
        check()
        with torch.no_grad():
            margin = float(_margins(model, [pair])[0])
        scored.append(replace(pair, reference=margin))
    return scored


def preference_loss(beta: float) -> Loss[ReferencePair]:
    def loss_of(model: Any, batch: Sequence[ReferencePair]) -> tuple[torch.Tensor, Score]:
        margins, correct, tokens = _margins(model, batch)
        reference = torch.tensor([pair.reference for pair in batch])
        losses = -functional.logsigmoid(beta * (margins - reference))
        loss = losses.sum()
        return loss, Score(float(loss.detach()), len(batch), correct, tokens)

    return loss_of


def _margins(model: Any, batch: Sequence[ReferencePair]) -> tuple[torch.Tensor, int, int]:
    """log p(preferred) - log p(rejected) of each pair; right and all tokens of the preferred."""
    rows = [pair.preferred for pair in batch] + [pair.rejected for pair in batch]
    tokens = likelihood(model, rows)
    sums = torch.zeros(len(rows)).index_add(0, tokens.row, tokens.logprob)
    preferred = tokens.row < len(batch)
    correct = int(tokens.correct[preferred].sum())
    return sums[: len(batch)] - sums[len(batch) :], correct, int(preferred.sum())
