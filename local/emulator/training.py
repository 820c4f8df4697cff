"""A LoRA fine-tune. Knows torch, and nothing of HTTP, jobs or files.

The loop is written out rather than taken from a trainer: it must stop within a step, go on later
exactly where it stopped, report like the service does, and put the loss on exactly the tokens that
the service puts it on. What is learned (answers, or which answer is better) is the loss's affair.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import peft
import torch
from peft.tuners.lora import LoraLayer
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from . import memory
from .encoding import IGNORED, Encoded

RANK = 16
# One LoRA of rank 16 on a model of 135M parameters takes a far larger step than the service's own
# models do: this rate times `learning_rate_multiplier` (auto = 1) is where Adam peaks.
PEAK_RATE = 1.2e-3
WARM_UP = 0.1  # share of all steps

# "auto": enough steps for a voice to stick. Small batches, because on a CPU a step costs what its
# tokens cost: forty short examples learn more from two epochs in pairs than from three in fours.
AUTO_STEPS = 40
AUTO_EPOCHS = range(2, 9)
AUTO_BATCHES = ((64, 2), (256, 4), (2048, 8))  # up to so many examples: this batch size
AUTO_LARGEST_BATCH = 16

# What a step keeps for learning is some 1 MB a token in bfloat16 and twice that in float32. A batch
# goes through the model in parts of so many tokens, and an example that has more by itself is kept
# only in outline and worked out a second time.
TOKENS_AT_ONCE = {torch.bfloat16: 384, torch.float32: 128}
PLACES_AT_ONCE = 128

STATE = "state.pt"
_seeding = threading.Lock()


# ---- the plan ------------------------------------------------------------------------------


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
    peak_rate: float = PEAK_RATE

    @property
    def total_steps(self) -> int:
        return self.n_epochs * self.steps_per_epoch


def make_plan(
    wanted: Hyperparameters, seed: int, examples: int, peak_rate: float = PEAK_RATE
) -> Plan:
    automatic = next((size for most, size in AUTO_BATCHES if examples <= most), AUTO_LARGEST_BATCH)
    batch_size = min(wanted.batch_size or automatic, examples)
    steps = math.ceil(examples / batch_size)
    epochs = min(max(round(AUTO_STEPS / steps), AUTO_EPOCHS[0]), AUTO_EPOCHS[-1])
    return Plan(
        n_epochs=wanted.n_epochs or epochs,
        batch_size=batch_size,
        learning_rate_multiplier=wanted.learning_rate_multiplier or 1.0,
        seed=seed,
        steps_per_epoch=steps,
        peak_rate=peak_rate,
    )


def rate_at(step: int, plan: Plan) -> float:
    """Learning rate of a step (from 1): a short warm-up, then down along a cosine."""
    warm_up = max(1, round(WARM_UP * plan.total_steps))
    peak = plan.peak_rate * plan.learning_rate_multiplier
    if step <= warm_up:
        return peak * step / warm_up
    done = (step - warm_up) / max(1, plan.total_steps - warm_up)
    return peak * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


# ---- loss ----------------------------------------------------------------------------------


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
    """Of every learned token of a batch: how likely the model found it (a logarithm), whether it
    would have said it, and in which row it stands."""

    found: torch.Tensor
    correct: torch.Tensor
    row: torch.Tensor


def likelihood(model: Any, batch: Sequence[Encoded]) -> Likelihood:
    """The output layer (a fifth of this small model) is applied only where something is learned,
    and to so few places at a time that their 49,152 candidates each do not fill the memory."""
    ids, attention, labels = _pad(batch)
    base = model.get_base_model()
    with torch.autocast("cpu", torch.bfloat16, enabled=base.dtype == torch.bfloat16):
        hidden = base.model(input_ids=ids, attention_mask=attention, use_cache=False)[0]
    expected = labels[:, 1:]
    places = expected != IGNORED
    states, targets = hidden[:, :-1][places], expected[places]
    parts = [
        checkpoint(_judged, base.lm_head, *part, use_reentrant=False)
        for part in zip(
            *(torch.split(one, PLACES_AT_ONCE) for one in (states, targets)), strict=True
        )
    ]
    found, correct = (torch.cat(column) for column in zip(*parts, strict=True))
    return Likelihood(found, correct, places.nonzero()[:, 0])


def _judged(head: Any, states: Any, targets: Any) -> tuple[torch.Tensor, torch.Tensor]:
    logits = head(states.to(head.weight.dtype)).float()
    return -functional.cross_entropy(logits, targets, reduction="none"), logits.argmax(
        -1
    ) == targets


def _pad(batch: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token, attention and label matrices, filled up on the right."""
    width = max(len(one.ids) for one in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    attention = torch.zeros(len(batch), width, dtype=torch.long)
    labels = torch.full((len(batch), width), IGNORED)
    for row, one in enumerate(batch):
        length = len(one.ids)
        ids[row, :length] = torch.tensor(one.ids)
        attention[row, :length] = 1
        labels[row, :length] = torch.tensor(one.labels)
    return ids, attention, labels


def batch_loss(model: Any, batch: Sequence[Encoded]) -> tuple[torch.Tensor, Score]:
    """The loss of a batch is that of its learned tokens."""
    judged = likelihood(model, batch)
    loss, count = -judged.found.sum(), len(judged.found)
    return loss, Score(float(loss.detach()), count, int(judged.correct.sum()), count)


# ---- the loop ------------------------------------------------------------------------------


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


def add_lora(model: Any, seed: int, parent: Path | None = None) -> Any:
    """The model with adapters on attention and MLP, new or a tuned model's; the rest is frozen.

    Adapters are float32 whatever the base is, for small steps must not be rounded away.
    """
    tuned: Any = _adapted(model, seed, parent)
    for module in tuned.modules():
        if isinstance(module, LoraLayer):
            module.cast_input_dtype_enabled = False  # autocast does it, and keeps half as much
    return tuned


def _adapted(model: Any, seed: int, parent: Path | None) -> Any:
    if parent is not None:
        return peft.PeftModel.from_pretrained(model, parent, is_trainable=True)
    config = peft.LoraConfig(
        r=RANK,
        lora_alpha=2 * RANK,
        target_modules=[
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "gate_proj",
            "up_proj",
            "down_proj",
        ],
        task_type=peft.TaskType.CAUSAL_LM,
    )
    # Forked, because chat goes on in other threads and must not be made repeatable by accident;
    # one at a time, because there is only one generator to fork.
    with _seeding, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return peft.get_peft_model(model, config)


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
        self._learned = [one for one in tuned.parameters() if one.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._learned, lr=plan.peak_rate, weight_decay=0.0, fused=True
        )
        self._tokens_at_once = TOKENS_AT_ONCE[tuned.get_base_model().dtype]
        if any(one.size > self._tokens_at_once for one in (*train_set, *valid_set)):
            tuned.get_base_model().gradient_checkpointing_enable({"use_reentrant": False})
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
        for group in self._optimizer.param_groups:
            group["lr"] = rate_at(self.steps + 1, self._plan)
        self._optimizer.zero_grad(set_to_none=True)
        terms, score = sum(one.terms for one in batch), Score()
        for part in self._parts(batch):
            loss, scored = self._loss(self._tuned, part)
            torch.autograd.backward(loss / terms)
            score += scored
        torch.nn.utils.clip_grad_norm_(self._learned, 1.0)
        self._optimizer.step()
        memory.give_back()
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
                scores = [self._loss(self._tuned, part)[1] for part in self._parts(batch)]
            memory.give_back()
            yield sum(scores, Score())

    def _parts(self, batch: Sequence[T]) -> Iterator[list[T]]:
        """As many items at a time as there is room for in memory, and at least one."""
        part: list[T] = []
        for one in batch:
            if part and (len(part) + 1) * max(i.size for i in (*part, one)) > self._tokens_at_once:
                yield part
                part = []
            part.append(one)
        yield part
