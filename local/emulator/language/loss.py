"""What a batch's loss is made of: how likely the model finds each token that is to be learned.

Knows torch and encoded examples; nothing of steps, epochs or files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint

from .encoding import IGNORE_INDEX, Encoded

LOGITS_PER_PASS = 128  # positions to which the output layer is applied at a time


@dataclass(frozen=True)
class Score:
    """Sums, so that scores of batches of any size can be added. `terms` is what the loss is a sum
    of: learned tokens, or pairs."""

    loss: float = 0.0
    terms: int = 0
    correct: int = 0
    tokens: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.loss + other.loss,
            self.terms + other.terms,
            self.correct + other.correct,
            self.tokens + other.tokens,
        )

    @property
    def mean_loss(self) -> float:
        return self.loss / max(1, self.terms)

    @property
    def accuracy(self) -> float:
        return self.correct / max(1, self.tokens)


class Item(Protocol):
    """What can be learned from: an example, or a pair of answers. Pure numbers."""

    @property
    def terms(self) -> int:
        """How many terms its loss is a sum of."""

    @property
    def size(self) -> int:
        """Tokens that go through the model for it."""


T = TypeVar("T", bound=Item)
# The sum of the losses of some items, to learn from, and their score.
Loss = Callable[[Any, Sequence[T]], tuple[torch.Tensor, Score]]


@dataclass(frozen=True)
class Likelihood:
    """Of every learned token of a batch: its log-probability, whether the model would have chosen
    it, and in which row it stands."""

    logprob: torch.Tensor
    correct: torch.Tensor
    row: torch.Tensor


def likelihood(model: Any, batch: Sequence[Encoded]) -> Likelihood:
    """The output layer (a fifth of this small model) is applied only where something is learned,
    and to so few positions at a time that their 49,152 candidates each do not fill the memory."""
    ids, labels = _pad(batch)
    base = model.get_base_model()
    with torch.autocast("cpu", torch.bfloat16, enabled=base.dtype == torch.bfloat16):
        hidden = base.model(input_ids=ids, use_cache=False)[0]
    expected = labels[:, 1:]
    positions = expected != IGNORE_INDEX
    states, targets = hidden[:, :-1][positions], expected[positions]
    split = (torch.split(one, LOGITS_PER_PASS) for one in (states, targets))
    parts = [
        checkpoint(_score_tokens, base.lm_head, *part, use_reentrant=False)
        for part in zip(*split, strict=True)
    ]
    logprob, correct = (torch.cat(column) for column in zip(*parts, strict=True))
    return Likelihood(logprob, correct, positions.nonzero()[:, 0])


def batch_loss(model: Any, batch: Sequence[Encoded]) -> tuple[torch.Tensor, Score]:
    """The loss of a batch is that of its learned tokens."""
    tokens = likelihood(model, batch)
    loss, count = -tokens.logprob.sum(), len(tokens.logprob)
    return loss, Score(float(loss.detach()), count, int(tokens.correct.sum()), count)


def _score_tokens(head: Any, states: Any, targets: Any) -> tuple[torch.Tensor, torch.Tensor]:
    logits = head(states.to(head.weight.dtype)).float()
    logprob = -functional.cross_entropy(logits, targets, reduction="none")
    return logprob, logits.argmax(-1) == targets


def _pad(batch: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token and label matrices, filled up on the right, where no token of an example looks."""
    ids = [torch.tensor(one.ids) for one in batch]
    labels = [torch.tensor(one.labels) for one in batch]
    padded = pad_sequence(labels, batch_first=True, padding_value=IGNORE_INDEX)
    return pad_sequence(ids, batch_first=True), padded
