"""Which tokens are learned, and that a training can be repeated."""

from dataclasses import dataclass
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
from local.emulator.language.training_plan import Hyperparameters, Rates, make_plan, rates_at

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


@dataclass(frozen=True)
class Sized:
    """An item of so many tokens."""

    size: int
    terms: int = 1


def parts_of(tiny: LanguageModel, sizes: list[int], at_once: int) -> list[tuple[list[int], bool]]:
    """The sizes that went through the model together in one step and in the evaluation after it,
    and whether no more than an outline was kept of them."""
    from local.emulator.language import training
    from local.emulator.language.lora import add_lora
    from local.emulator.language.loss import Score

    tuned = add_lora(tiny.trainable().model, seed=1)
    learned = next(one for one in tuned.parameters() if one.requires_grad)
    seen = []

    def loss(model: Any, part: Any) -> Any:
        layers = model.get_base_model().model.layers
        outlined = {layer.gradient_checkpointing for layer in layers}
        seen.append(([one.size for one in part], outlined == {True}))
        return learned.sum(), Score(1.0, len(part))

    items = [Sized(size) for size in sizes]
    plan = make_plan(Hyperparameters(1, len(items)), 1, len(items))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TOKENS_PER_PASS", {tuned.dtype: at_once})
        list(training.Training(tuned, items, items, plan, loss, lambda: None))
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :], "the evaluation in the same parts"
    return seen[: len(seen) // 2]


def test_as_many_go_through_at_once_as_fit_into_memory(tiny: LanguageModel) -> None:
    """What is filled up counts, so those of about one length go together."""
    assert parts_of(tiny, [50] * 4, 200) == [([50] * 4, False)]
    assert parts_of(tiny, [50] * 4, 199) == [([50] * 3, False), ([50], False)]
    assert parts_of(tiny, [90, 10, 90, 10], 180) == [([10, 10], False), ([90, 90], False)]


def test_only_of_what_is_too_long_by_itself_no_more_than_an_outline_is_kept(
    tiny: LanguageModel,
) -> None:
    """A single long example does not make all others slow."""
    found = parts_of(tiny, [300, 40, 200, 60], 200)
    assert found == [([40, 60], False), ([200], False), ([300], True)]


@pytest.mark.parametrize(
    ("examples", "batch_size", "n_epochs"),
    [(10, 2, 6), (20, 2, 3), (48, 2, 1), (64, 2, 1), (65, 4, 2), (256, 4, 1), (3000, 16, 1)],
)
def test_auto_makes_some_thirty_steps_or_one_epoch(
    examples: int, batch_size: int, n_epochs: int
) -> None:
    plan = make_plan(Hyperparameters(), 1, examples)
    assert (plan.batch_size, plan.n_epochs) == (batch_size, n_epochs)
    assert plan.learning_rate_multiplier == 1.0


def test_each_matrix_of_an_adapter_has_a_rate_of_its_own(tiny: LanguageModel) -> None:
    """`up` begins with zeros: as long as it does not learn, a tuned model answers like its base."""
    from local.emulator.language import training
    from local.emulator.language.lora import adapter_weights, add_lora
    from local.emulator.language.loss import batch_loss

    def moved(rates: Rates) -> list[bool]:
        trainable = tiny.trainable()
        examples = read_examples(dataset().splitlines())
        encoded = encoding.encode_all(trainable.tokenizer, examples)
        tuned = add_lora(trainable.model, seed=1)
        before = [[one.detach().clone() for one in weights] for weights in adapter_weights(tuned)]
        plan = make_plan(Hyperparameters(1, 5), 1, len(encoded), rates)
        list(training.Training(tuned, encoded, [], plan, batch_loss, lambda: None))
        pairs = zip(before, adapter_weights(tuned), strict=True)
        return [
            any(bool((was != now).any()) for was, now in zip(*pair, strict=True)) for pair in pairs
        ]

    assert moved(Rates(down=0, up=1e-3)) == [False, True]
    assert moved(Rates(down=1e-3, up=1e-3)) == [True, True]
    assert not moved(Rates(down=1e-3, up=0))[1]


def test_rates_rise_to_their_peaks_and_fall_to_a_tenth_of_them() -> None:
    plan = make_plan(Hyperparameters(4, 2, 0.5), 1, 50, Rates(down=1.0, up=4.0))
    rates = [rates_at(step, plan) for step in range(1, plan.total_steps + 1)]
    assert plan.total_steps == 100
    assert rates[0] == pytest.approx((0.05, 0.2))
    assert max(rates) == rates[9] == pytest.approx((0.5, 2.0))
    assert rates[-1] == min(rates[9:]) == pytest.approx((0.05, 0.2))


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
