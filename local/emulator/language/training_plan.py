"""How a training will go: epochs, batch size, learning rate of each step. Pure arithmetic.

Knows neither torch nor what is learned.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple


class Rates(NamedTuple):
    """Where Adam peaks for the two matrices of an adapter: the first, `down` to its rank, and the
    second, `up` from it, which begins with zeros."""

    down: float
    up: float


# One LoRA of rank 16 on a model of 135M parameters takes a far larger step than the service's own
# models do: these rates times `learning_rate_multiplier` (auto = 1). With a larger one for `up`
# (LoRA+, Hayou et al., 2024) one epoch teaches more than two did with the same for both.
PEAK_RATES = Rates(down=1.2e-3, up=4.8e-3)
# Smaller for DPO: the difference of two answers changes faster than one answer's likelihood.
DPO_PEAK_RATES = Rates(down=4e-4, up=4e-4)
DEFAULT_BETA = 0.1  # of the paper and of OpenAI; Azure's "auto" is [inferred]
WARM_UP = 0.1  # share of all steps

# "auto": enough steps for a style to be learned. Small batches, because on a CPU a step costs what
# its tokens cost: forty short examples learn more from two epochs in batches of two than from three
# in batches of four.
AUTO_STEPS = 32
AUTO_EPOCHS = range(1, 9)
AUTO_BATCHES = ((64, 2), (256, 4), (2048, 8))  # up to so many examples: this batch size
AUTO_LARGEST_BATCH = 16


@dataclass(frozen=True)
class Hyperparameters:
    """As asked for; None is the service's "auto"."""

    n_epochs: int | None = None
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None


@dataclass(frozen=True)
class Plan:
    """What will be done: every "auto" resolved."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    seed: int
    steps_per_epoch: int
    peak_rates: Rates = PEAK_RATES

    @property
    def total_steps(self) -> int:
        return self.n_epochs * self.steps_per_epoch


def make_plan(
    requested: Hyperparameters, seed: int, examples: int, peak_rates: Rates = PEAK_RATES
) -> Plan:
    automatic = next((size for most, size in AUTO_BATCHES if examples <= most), AUTO_LARGEST_BATCH)
    batch_size = min(requested.batch_size or automatic, examples)
    steps = math.ceil(examples / batch_size)
    epochs = min(max(round(AUTO_STEPS / steps), AUTO_EPOCHS[0]), AUTO_EPOCHS[-1])
    return Plan(
        n_epochs=requested.n_epochs or epochs,
        batch_size=batch_size,
        learning_rate_multiplier=requested.learning_rate_multiplier or 1.0,
        seed=seed,
        steps_per_epoch=steps,
        peak_rates=peak_rates,
    )


def rates_at(step: int, plan: Plan) -> Rates:
    """Learning rates of a step (from 1): a short warm-up, then down along a cosine."""
    share = plan.learning_rate_multiplier * _share_of_peak(step, plan)
    return Rates(plan.peak_rates.down * share, plan.peak_rates.up * share)


def _share_of_peak(step: int, plan: Plan) -> float:
    warm_up = max(1, round(WARM_UP * plan.total_steps))
    if step <= warm_up:
        return step / warm_up
    done = (step - warm_up) / max(1, plan.total_steps - warm_up)
    return 0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2
