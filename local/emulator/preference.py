"""Direct preference optimisation: learn which of two answers is better (Rafailov et al., 2023).

The policy that training starts from is the reference, so its opinion of every pair is asked once,
before the first step, and the model need not be in memory twice. Knows torch and no jobs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from .dataset import Pair
from .encoding import Encoded, encode_all
from .training import Loss, Score, learned_logits

DEFAULT_BETA = 0.1  # of the paper and of OpenAI; Azure's "auto" is [inferred]
# Gentler than for examples: a pair pushes apart rather than pulls towards.
PEAK_RATE = 4e-4
PAIRS_AT_ONCE = 2  # no more than a step needs: this is where a laptop's memory would peak


@dataclass(frozen=True)
class Judged:
    """A pair in tokens; `reference` is how much likelier the reference finds the preferred one."""

    preferred: Encoded
    rejected: Encoded
    reference: float = 0.0


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair]) -> list[Judged]:
    preferred = encode_all(tokenizer, [pair.preferred for pair in pairs])
    rejected = encode_all(tokenizer, [pair.rejected for pair in pairs])
    return [Judged(*both) for both in zip(preferred, rejected, strict=True)]


def judge(model: Any, pairs: Sequence[Judged], check: Callable[[], None]) -> list[Judged]:
    """The pairs with the reference's opinion, which is the model's before its first step."""
    judged = []
    for first in range(0, len(pairs), PAIRS_AT_ONCE):
        check()
        batch = pairs[first : first + PAIRS_AT_ONCE]
        with torch.no_grad():
            margins = _margins(model, batch)[0].tolist()
        judged += [
            Judged(pair.preferred, pair.rejected, margin)
            for pair, margin in zip(batch, margins, strict=True)
        ]
    return judged


def preference_loss(beta: float) -> Loss[Judged]:
    def loss_of(model: Any, batch: Sequence[Judged]) -> tuple[torch.Tensor, Score]:
        margins, correct, tokens = _margins(model, batch)
        reference = torch.tensor([pair.reference for pair in batch])
        losses = -functional.logsigmoid(beta * (margins - reference))
        return losses.mean(), Score(float(losses.detach().sum()), len(batch), correct, tokens)

    return loss_of


def _margins(model: Any, batch: Sequence[Judged]) -> tuple[Any, int, int]:
    """log p(preferred) - log p(rejected) of each pair; right and all tokens of the preferred."""
    rows = [pair.preferred for pair in batch] + [pair.rejected for pair in batch]
    logits, targets, row = learned_logits(model, rows)
    found = torch.log_softmax(logits, -1).gather(-1, targets[:, None])[:, 0]
    sums = torch.zeros(len(rows)).index_add(0, row, found)
    preferred = row < len(batch)
    correct = int((logits[preferred].argmax(-1) == targets[preferred]).sum())
    return sums[: len(batch)] - sums[len(batch) :], correct, int(preferred.sum())
