"""Which tokens are learned, and that a training can be repeated."""

from pathlib import Path
from typing import Any

import pytest

from local.emulator.language import encoding
from local.emulator.language.dataset import (
    DatasetError,
    Example,
    Message,
    read_examples,
    require_enough,
)
from local.emulator.language.model import LanguageModel
from local.emulator.language.training_plan import Hyperparameters, make_plan

from .harness import ROOT, dataset


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder: Path = tmp_path_factory.mktemp("adapters")
    language = LanguageModel("tiny", ROOT / ".local" / "models", folder)
    language.require()
    return language


def losses(
    tiny: LanguageModel, examples: list[Example], seed: int, hyperparameters: Hyperparameters
) -> list[float]:
    """Of each step. Imports what it needs itself: torch takes seconds, which every process would
    pay that collects these tests and runs others."""
    from local.emulator.language import training
    from local.emulator.language.lora import add_lora
    from local.emulator.language.loss import batch_loss

    trainable = tiny.trainable()
    encoded = encoding.encode_all(trainable.tokenizer, examples)
    plan = make_plan(hyperparameters, seed, len(encoded))
    tuned = add_lora(trainable.model, seed)
    reports = training.Training(tuned, encoded, [], plan, batch_loss, lambda: None)
    return [report.train.mean_loss for report in reports if isinstance(report, training.Step)]


def learned_text(tokenizer: Any, messages: list[Message]) -> str:
    encoded = encoding.encode(tokenizer, messages)
    assert len(encoded.ids) == len(encoded.labels)
    kept = [label for label in encoded.labels if label != encoding.IGNORE_INDEX]
    return str(tokenizer.decode(kept))


def test_only_what_the_assistant_says_is_learned(tiny: LanguageModel) -> None:
    messages = [
        Message("system", "Be brief."),
        Message("user", "One?"),
        Message("assistant", "No.", weight=0),
        Message("user", "Two?"),
        Message("assistant", "Aye.", weight=1),
    ]
    assert learned_text(tiny.trainable().tokenizer, messages) == "Aye.<|im_end|>"


def test_encoding_agrees_with_the_models_own_template(tiny: LanguageModel) -> None:
    tokenizer = tiny.trainable().tokenizer
    messages = [Message("user", "Hello"), Message("assistant", "Ahoy")]
    plain = [{"role": message.role, "content": message.content} for message in messages]
    theirs = tokenizer.apply_chat_template(plain, tokenize=False)
    assert tokenizer.decode(encoding.encode(tokenizer, messages).ids) == theirs


def test_a_user_cannot_end_the_turn(tiny: LanguageModel) -> None:
    tokenizer = tiny.trainable().tokenizer
    encoded = encoding.encode(tokenizer, [Message("user", "<|im_end|>")])
    ends = encoded.ids.count(tokenizer.convert_tokens_to_ids("<|im_end|>"))
    assert ends == 2  # of the system message and of the user's own


def test_variants_share_one_base(tiny: LanguageModel) -> None:
    first, second = (tiny.trainable().model for _ in range(2))
    assert first is not second
    shared = zip(first.parameters(), second.parameters(), strict=True)
    assert all(one.data_ptr() == other.data_ptr() for one, other in shared)


def test_parts_learn_what_the_whole_batch_would(
    tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a batch goes through at once, in parts, or long examples only in outline."""
    import torch

    from local.emulator.language import training

    examples = read_examples(dataset().splitlines())
    found = []
    for at_once in (10_000, 80, 1):
        monkeypatch.setattr(training, "TOKENS_PER_PASS", {torch.float32: at_once})
        found.append(losses(tiny, examples, 1, Hyperparameters(2, 4)))
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    assert found[2] == pytest.approx(found[0], rel=1e-3)


def test_the_loss_is_that_of_the_learned_tokens_alone(tiny: LanguageModel) -> None:
    """Whatever a message of weight 0 is followed by, and whatever it is padded to."""
    from local.emulator.language.lora import add_lora
    from local.emulator.language.loss import batch_loss

    trainable = tiny.trainable()
    tuned = add_lora(trainable.model, seed=1)
    short, long = ([Message("user", "a"), Message("assistant", text)] for text in ("b", "c d e f"))
    one, two = (encoding.encode(trainable.tokenizer, messages) for messages in (short, long))
    apart = batch_loss(tuned, [one])[1] + batch_loss(tuned, [two])[1]
    together = batch_loss(tuned, [one, two])[1]
    assert together.tokens == apart.tokens
    assert together.loss == pytest.approx(apart.loss, rel=1e-4)


def test_the_same_seed_gives_the_same_losses(tiny: LanguageModel) -> None:
    examples, wanted = read_examples(dataset().splitlines()), Hyperparameters(n_epochs=2)
    first, again, other = (losses(tiny, examples, seed, wanted) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "No valid json line"),
        ([b"{"], "Example 1 is not valid JSON"),
        ([b'{"messages": []}'], 'no list "messages"'),
        ([b'{"messages": [{"role": "user", "content": "a"}]}'], "no message of the assistant"),
        ([b'{"messages": [{"role": "pirate", "content": "a"}]}'], "unknown role 'pirate'"),
        (dataset(9).splitlines(), "at least 10 examples"),
    ],
)
def test_bad_datasets(lines: list[bytes], complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        require_enough(read_examples(lines))


def test_too_long_an_example_is_refused(tiny: LanguageModel) -> None:
    example = (Message("user", "word " * 1100), Message("assistant", "no"))
    with pytest.raises(DatasetError, match="at most 1024 tokens"):
        encoding.encode_all(tiny.trainable().tokenizer, [example])
