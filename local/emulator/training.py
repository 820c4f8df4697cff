"""A LoRA fine-tune on examples of chat. Knows torch, and nothing of HTTP, jobs or files.

The loop is written out rather than taken from a trainer: it must stop within a step, report like
the service does, and put the loss on exactly the tokens that the service puts it on.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from torch.nn import functional

from .dataset import DatasetError, Example, Message

# Longer examples would take minutes each on a laptop; a job that has one fails and says so.
LONGEST = 1024
IGNORED = -100  # torch's mark for "no loss on this token"

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

# The chat format of SmolLM2. Its own template puts a system message in front when there is none;
# so do we, in training and in chat: it is what the base model was taught with, it answers worse
# without, and an untuned model that is asked for its name says honestly who it is.
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
_TEMPLATE_ROLES = {"developer": "system"}


# ---- from messages to tokens ---------------------------------------------------------------


@dataclass(frozen=True)
class Encoded:
    """Tokens of one example and, in the same places, the tokens to learn (or IGNORED)."""

    ids: list[int]
    labels: list[int]


def _text_ids(tokenizer: Any, text: str) -> list[int]:
    # Split special tokens: a user who types <|im_end|> must not end the turn.
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    return ids


def _opening(tokenizer: Any, role: str) -> list[int]:
    start: int = tokenizer.convert_tokens_to_ids("<|im_start|>")
    return [start, *_text_ids(tokenizer, f"{_TEMPLATE_ROLES.get(role, role)}\n")]


def _with_system(messages: Sequence[Message]) -> list[Message]:
    if messages and messages[0].role in ("system", "developer"):
        return list(messages)
    return [Message("system", DEFAULT_SYSTEM), *messages]


def encode(tokenizer: Any, messages: Sequence[Message]) -> Encoded:
    """An example with its mask: the loss is on what an assistant says and on its end of turn.

    Opening and content are tokenised apart, as they are when a model answers: there too the opening
    is given and the first token of the content comes after it.
    """
    end: int = tokenizer.convert_tokens_to_ids("<|im_end|>")
    line_break = _text_ids(tokenizer, "\n")
    ids: list[int] = []
    labels: list[int] = []
    for message in _with_system(messages):
        opening = _opening(tokenizer, message.role)
        content = [*_text_ids(tokenizer, message.content), end]
        ids += opening + content + line_break
        learned = content if message.learned else [IGNORED] * len(content)
        labels += [IGNORED] * len(opening) + learned + [IGNORED] * len(line_break)
    return Encoded(ids, labels)


def encode_prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The conversation so far and the opening of the answer."""
    return encode(tokenizer, messages).ids + _opening(tokenizer, "assistant")


def encode_all(tokenizer: Any, examples: Sequence[Example]) -> list[Encoded]:
    encoded = []
    for number, example in enumerate(examples, 1):
        one = encode(tokenizer, example)
        if len(one.ids) > LONGEST:
            raise DatasetError(
                "The job failed due to an invalid training file. Invalid file format."
                f" Example {number} has {len(one.ids)} tokens; this emulator trains on at most"
                f" {LONGEST} tokens per example."
            )
        encoded.append(one)
    return encoded


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

    @property
    def total_steps(self) -> int:
        return self.n_epochs * self.steps_per_epoch


def make_plan(wanted: Hyperparameters, seed: int, examples: int) -> Plan:
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
    )


def rate_at(step: int, plan: Plan) -> float:
    """Learning rate of a step (from 1): a short warm-up, then down along a cosine."""
    warm_up = max(1, round(WARM_UP * plan.total_steps))
    peak = PEAK_RATE * plan.learning_rate_multiplier
    if step <= warm_up:
        return peak * step / warm_up
    done = (step - warm_up) / max(1, plan.total_steps - warm_up)
    return peak * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


# ---- loss ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """Sums over learned tokens, so that scores of batches of any size can be added."""

    loss: float = 0.0
    correct: int = 0
    tokens: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.loss + other.loss, self.correct + other.correct, self.tokens + other.tokens
        )

    @property
    def mean_loss(self) -> float:
        return self.loss / max(1, self.tokens)

    @property
    def accuracy(self) -> float:
        return self.correct / max(1, self.tokens)


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
    """Mean loss over the learned tokens of a batch, and its score.

    The output layer (a fifth of this small model) is applied only where something is learned.
    """
    ids, attention, labels = _pad(batch)
    base = model.get_base_model()
    hidden = base.model(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
    expected = labels[:, 1:]
    places = expected != IGNORED
    logits = base.lm_head(hidden[:, :-1][places]).float()
    targets = expected[places]
    loss = functional.cross_entropy(logits, targets)
    correct = int((logits.argmax(-1) == targets).sum())
    return loss, Score(float(loss.detach()) * len(targets), correct, len(targets))


# ---- the loop ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    number: int
    total: int
    train: Score


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch: `valid` is one validation batch, `full_valid` the whole file."""

    number: int
    step: Step
    valid: Score | None
    full_valid: Score | None
    save: Callable[[Path], None]


def add_lora(model: Any, seed: int) -> Any:
    """The model with fresh adapters on attention and MLP; everything else is frozen."""
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
    # Forked, because chat goes on in other threads and must not be made repeatable by accident.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return peft.get_peft_model(model, config)


def train(
    model: Any,
    train_set: Sequence[Encoded],
    valid_set: Sequence[Encoded],
    plan: Plan,
    check: Callable[[], None],
) -> Iterator[Step | Epoch]:
    """Yields after every step and every epoch; the same plan gives the same adapter.

    `check` is called before each batch and ends the training by raising.
    """
    tuned = add_lora(model, plan.seed)
    learned = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=PEAK_RATE, weight_decay=0.0)
    order = torch.Generator().manual_seed(plan.seed)
    number = 0
    for epoch in range(1, plan.n_epochs + 1):
        shuffled = torch.randperm(len(train_set), generator=order).tolist()
        tuned.train()
        for first in range(0, len(shuffled), plan.batch_size):
            check()
            number += 1
            for group in optimizer.param_groups:
                group["lr"] = rate_at(number, plan)
            batch = [train_set[index] for index in shuffled[first : first + plan.batch_size]]
            step = Step(number, plan.total_steps, _learn(tuned, optimizer, learned, batch))
            yield step
        tuned.eval()
        full = list(_evaluate(tuned, valid_set, plan.batch_size, check))
        yield Epoch(
            number=epoch,
            step=step,
            valid=full[(epoch - 1) % len(full)] if full else None,
            full_valid=sum(full, Score()) if full else None,
            save=tuned.save_pretrained,
        )


def _learn(model: Any, optimizer: Any, learned: list[Any], batch: Sequence[Encoded]) -> Score:
    loss, score = batch_loss(model, batch)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(learned, 1.0)
    optimizer.step()
    return score


def _evaluate(
    model: Any, examples: Sequence[Encoded], size: int, check: Callable[[], None]
) -> Iterator[Score]:
    for first in range(0, len(examples), size):
        check()
        with torch.no_grad():
            yield batch_loss(model, examples[first : first + size])[1]
