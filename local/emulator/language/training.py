"""The training loop. Knows torch, and nothing of HTTP, jobs or files.

The loop is written out rather than taken from a trainer: it must stop within a step, go on later
exactly where it stopped, and report like the service does. What is learned (answers, or which
answer is better) is decided by the loss that it is given; `training_plan` says how long it takes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import peft
import torch

from . import malloc
from .lora import adapter_weights
from .loss import Loss, Score, T
from .training_plan import Plan, rates_at

# What a step keeps for learning is some 1 MB a token in bfloat16 and twice that in float32. A batch
# goes through the model in parts of so many tokens: as many as memory allows, for a pass reads all
# weights, however few its tokens. Of an example that has more by itself only an outline is kept
# (gradient checkpointing), and the rest is computed a second time.
TOKENS_PER_PASS = {torch.bfloat16: 640, torch.float32: 320}

# Two groups of weights since version 2; an older state is left, and its training begins anew.
STATE = "state-2.pt"


@dataclass(frozen=True)
class Step:
    number: int
    total: int
    train: Score


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch: `valid` is one validation batch, `full_valid` the whole file."""

    step: int
    valid: Score | None
    full_valid: Score | None


class Training(Generic[T]):
    """Iterate it: a report after every step and every epoch. The same plan gives the same adapter,
    in one go or with stops. `check` is called before each batch and ends the training by raising;
    what was learned until then can be saved, and restored into another Training."""

    def __init__(
        self,
        tuned: Any,
        train_set: Sequence[T],
        valid_set: Sequence[T],
        plan: Plan,
        loss: Loss[T],
        check: Callable[[], None],
    ) -> None:
        self._tuned, self._plan, self._loss, self._check = tuned, plan, loss, check
        self._train_set, self._valid_set = train_set, valid_set
        adapters = adapter_weights(tuned)
        self._learned = [weight for weights in adapters for weight in weights]
        groups = [{"params": weights} for weights in adapters]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
        self._tokens_per_pass = TOKENS_PER_PASS[tuned.get_base_model().dtype]
        self._layers = tuned.get_base_model().model.layers
        if any(one.size > self._tokens_per_pass for one in train_set):
            tuned.get_base_model().activation_checkpointing_enable({"use_reentrant": False})
        self.steps = self._epochs = 0

    def __iter__(self) -> Iterator[Step | Epoch]:
        order = torch.Generator().manual_seed(self._plan.seed)
        for epoch in range(self._plan.n_epochs):
            shuffled = torch.randperm(len(self._train_set), generator=order).tolist()
            if epoch < self._epochs:
                continue  # done before a stop; only the order had to be drawn again
            done = self.steps - epoch * self._plan.steps_per_epoch
            self._tuned.train()
            for first in range(done * self._plan.batch_size, len(shuffled), self._plan.batch_size):
                self._check()
                batch = [
                    self._train_set[i] for i in shuffled[first : first + self._plan.batch_size]
                ]
                yield self._step(batch)
            self._tuned.eval()
            report = self._evaluated(epoch)
            self._epochs += 1
            yield report

    def save_adapter(self, folder: Path) -> None:
        self._tuned.save_pretrained(folder)

    def save(self, folder: Path, extra: dict[str, Any]) -> None:
        """Beside and renamed: a state that exists is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "steps": self.steps,
            "epochs": self._epochs,
            "adapter": peft.get_peft_model_state_dict(self._tuned),
            "optimizer": self._optimizer.state_dict(),
            "extra": extra,
        }
        unfinished = folder / f"{STATE}.part"
        torch.save(state, unfinished)
        unfinished.replace(folder / STATE)

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """What was saved there, and its `extra`; None if there is nothing."""
        if not (folder / STATE).exists():
            return None
        state = torch.load(folder / STATE, weights_only=True)
        peft.set_peft_model_state_dict(self._tuned, state["adapter"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.steps, self._epochs = state["steps"], state["epochs"]
        extra: dict[str, Any] = state["extra"]
        return extra

    def _step(self, batch: Sequence[T]) -> Step:
        rates = rates_at(self.steps + 1, self._plan)
        for group, rate in zip(self._optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        terms, score = sum(one.terms for one in batch), Score()
        for part in self._parts(batch):
            loss, scored = self._loss_of(part)
            torch.autograd.backward(loss / terms)
            score += scored
        torch.nn.utils.clip_grad_norm_(self._learned, 1.0)
        self._optimizer.step()
        malloc.trim()
        self.steps += 1
        return Step(self.steps, self._plan.total_steps, score)

    def _evaluated(self, epoch: int) -> Epoch:
        full = list(self._evaluate())
        return Epoch(
            step=self.steps,
            valid=full[epoch % len(full)] if full else None,
            full_valid=sum(full, Score()) if full else None,
        )

    def _evaluate(self) -> Iterator[Score]:
        for first in range(0, len(self._valid_set), self._plan.batch_size):
            self._check()
            batch = self._valid_set[first : first + self._plan.batch_size]
            with torch.no_grad():
                scores = [self._loss_of(part)[1] for part in self._parts(batch)]
            malloc.trim()
            yield sum(scores, Score())

    def _loss_of(self, part: Sequence[T]) -> tuple[torch.Tensor, Score]:
        outlined = max(one.size for one in part) > self._tokens_per_pass
        for layer in self._layers:
            layer.gradient_checkpointing = outlined
        return self._loss(self._tuned, part)

    def _parts(self, batch: Sequence[T]) -> Iterator[list[T]]:
        """As many items at a time as fit into memory, and at least one. Each takes as much as the
        longest of its part, so that short ones go together."""
        part: list[T] = []
        for one in sorted(batch, key=lambda item: item.size):
            if part and (len(part) + 1) * one.size > self._tokens_per_pass:
                yield part
                part = []
            part.append(one)
        yield part
