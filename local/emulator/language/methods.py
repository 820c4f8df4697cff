"""The methods of fine-tuning: each makes a training, with nothing learned yet, from its examples.

Returns with it the tokens that are billed for it. Knows torch, and nothing of jobs or files.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .dataset import Example, Pair
from .encoding import encode_all
from .lora import add_lora
from .loss import batch_loss
from .model import Trainable
from .preference import encode_pairs, preference_loss, with_reference
from .training import Training
from .training_plan import Plan

Check = Callable[[], None]  # called before each batch; ends the training by raising


def supervised(
    base: Trainable,
    train: Sequence[Example],
    valid: Sequence[Example],
    plan: Plan,
    parent: Path | None,
    check: Check,
) -> tuple[Training[Any], int]:
    tuned = add_lora(base.model, plan.seed, parent)
    train_set, valid_set = (encode_all(base.tokenizer, part) for part in (train, valid))
    tokens = sum(len(example.ids) for example in train_set)
    training: Any = Training(tuned, train_set, valid_set, plan, batch_loss, check)
    return training, tokens * plan.n_epochs


def preference(
    base: Trainable,
    train: Sequence[Pair],
    valid: Sequence[Pair],
    plan: Plan,
    parent: Path | None,
    check: Check,
    beta: float,
) -> tuple[Training[Any], int]:
    tuned = add_lora(base.model, plan.seed, parent)
    encoded = [encode_pairs(base.tokenizer, part) for part in (train, valid)]
    train_set, valid_set = (with_reference(tuned, part, check) for part in encoded)
    tokens = sum(len(pair.preferred.ids) + len(pair.rejected.ids) for pair in train_set)
    training: Any = Training(tuned, train_set, valid_set, plan, preference_loss(beta), check)
    return training, tokens * plan.n_epochs
