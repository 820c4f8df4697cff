"""What run.yaml may name as a base model; whatever it holds is a refused drop at the worst."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.registry import Version
from shared.run import intake, reconciler
from shared.run.folder import look_everywhere, problem_name
from tests.support.drops import problem, set_settings, taken
from tests.support.runs import RunHarness

TUNED = "gpt-4.1-nano-2025-04-14.ft-0123456789abcdef-other"


# ---- the model that a run goes on from


async def version_of(harness: RunHarness, model: str, tuned: str) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    await harness.ctx.registry.add_version(
        model,
        Version(
            run_id=f"{model}-1",
            base_model="gpt-4.1-nano-2025-04-14",
            fine_tuned_model=tuned,
            sku="s",
            capacity=1,
            created_at=at,
            dropped_at=at,
        ),
    )


async def drop_on(harness: RunHarness, base_model: str) -> None:
    await harness.drop()
    await harness.drop(f"base_model: {base_model!r}\n".encode(), "run.yaml")


@pytest.mark.parametrize("suffix", ["", ":ckpt-step-40"])
async def test_another_models_version_is_not_gone_on_from(harness: RunHarness, suffix: str) -> None:
    await version_of(harness, "other", TUNED)
    await drop_on(harness, TUNED + suffix)
    assert await taken(harness, harness.path("training.jsonl")) is None
    said = await problem(harness, harness.path("run.yaml"))
    assert f"a version of other, not of {harness.model}" in said
    assert "TUNEDROP_CONTINUE_FROM" in said
    assert await harness.runs() == []


@pytest.mark.parametrize("suffix", ["", ":ckpt-step-40"])
async def test_a_models_own_version_is_gone_on_from(harness: RunHarness, suffix: str) -> None:
    await version_of(harness, harness.model, TUNED)
    await drop_on(harness, TUNED + suffix)
    assert (await harness.received()).spec.base_model == TUNED + suffix


@pytest.mark.parametrize("allowed", ["other", "*"])
async def test_a_setting_lets_everybody_go_on_from_a_model(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    set_settings(harness, monkeypatch, continue_from=("third", allowed))
    await version_of(harness, "other", TUNED)
    await drop_on(harness, TUNED)
    assert await harness.received()


@pytest.mark.parametrize(
    "base_model",
    [
        TUNED,
        TUNED.upper(),
        "ft:gpt-4.1-nano:org::abc",
        "captain@2",
        f"{TUNED}:ckpt-step-3",
        f"{TUNED}:ckpt-step-3:ckpt-step-4",
    ],
)
async def test_a_tuned_model_that_nobody_knows_is_only_gone_on_from_if_all_are_allowed(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, base_model: str
) -> None:
    await drop_on(harness, base_model)
    assert await taken(harness, harness.path("training.jsonl")) is None
    assert "is no version of" in await problem(harness, harness.path("run.yaml"))
    set_settings(harness, monkeypatch, continue_from=("captain",))
    await drop_on(harness, base_model)
    assert await taken(harness, harness.path("training.jsonl")) is None
    set_settings(harness, monkeypatch, continue_from=("*",))
    await drop_on(harness, base_model)
    assert await harness.received()
    assert await problem(harness, harness.path("run.yaml")) == ""


async def test_a_version_that_is_not_called_like_a_tuned_model_is_still_its_models(
    harness: RunHarness,
) -> None:
    await version_of(harness, "other", "llama-of-ours")
    await drop_on(harness, "Llama-of-ours")
    assert await taken(harness, harness.path("training.jsonl")) is None


@pytest.mark.parametrize("base_model", ["gpt-4.1-2025-04-14", "GPT-4o-2024-08-06", "gpt-9-new"])
async def test_base_models_are_taken_as_ever(harness: RunHarness, base_model: str) -> None:
    await drop_on(harness, base_model)
    assert (await harness.received()).spec.base_model == base_model


async def test_the_apps_own_default_is_not_asked_for_its_owner(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_settings(harness, monkeypatch, base_model=TUNED)
    await harness.drop(b"seed: 1", "run.yaml")
    await harness.drop()
    assert (await harness.received()).spec.base_model == TUNED


# ---- what no run.yaml may do


@pytest.mark.parametrize(
    "error", [ValueError("x"), OverflowError(), RecursionError(), TypeError(), KeyError("x")]
)
async def test_a_run_yaml_that_cannot_be_read_in_a_new_way_is_refused_and_not_tried_for_ever(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def effective(*args: Any) -> Any:
        raise error

    await harness.drop_without_event()
    await harness.drop_without_event(b"seed: 1", "run.yaml")
    monkeypatch.setattr(intake, "effective", effective)
    assert await taken(harness, harness.path("training.jsonl")) is None
    assert type(error).__name__ in await problem(harness, harness.path("run.yaml"))
    found = await look_everywhere(harness.ctx.clients.datasets)
    missed = [folder.model for folder in found.folders]
    assert missed == [harness.model]
    before = await harness.ctx.clients.datasets.info(problem_name(harness.path("run.yaml")))
    await reconciler.sweep(harness.ctx)
    after = await harness.ctx.clients.datasets.info(problem_name(harness.path("run.yaml")))
    assert before == after


@pytest.mark.parametrize(
    "run_yaml",
    [
        b"seed: !!int foo\n",
        b"seed: 2026-13-45\n",
        b"seed: " + b"9" * 5000 + b"\n",
        b'base_model: "\\ud83d"\n',
        b'training_type: "\\ud83d"\n',
        b"budget: .nan\n",
        b'base_model: "gpt-4.1\\e[31m"\n',
        b"? [1, 2]\n: x\n",
    ],
)
async def test_a_run_yaml_that_means_nothing_is_a_refused_drop(
    harness: RunHarness, run_yaml: bytes
) -> None:
    await harness.drop()
    await harness.drop(run_yaml, "run.yaml")
    assert await taken(harness, harness.path("training.jsonl")) is None
    said = await problem(harness, harness.path("run.yaml"))
    assert said
    assert said.strip().isprintable()
