"""What decides whether a training is paid for: what is trained, and no limit or switch."""

from dataclasses import replace
from typing import Any

import pytest

from shared.run import ids
from shared.run.record import File
from shared.run.spec import effective
from shared.run.stages import ENDS, Stage
from tests.support.datasets import dataset
from tests.support.deploying import STANDARD, memory, redropped, refused_after_training
from tests.support.limits import dropped, limited, ticked, with_settings
from tests.support.settings import SETTINGS

FILE = File(name="m/training.jsonl", etag="1", size=1, sha256="aa")


def digest(run_yaml: bytes, **settings: Any) -> str:
    return ids.digest(FILE, None, effective(run_yaml, replace(SETTINGS, **settings)))


@pytest.mark.parametrize(
    "run_yaml",
    [
        b"budget: 5",
        b"unknown_price: accept",
        b"start: manual",
        b"deployment: {sku: Standard, capacity: 3}",
        b"training_type: GLOBALSTANDARD",
        b"base_model: GPT-4.1-Nano-2025-04-14",
        b"method: supervised",
    ],
)
def test_a_limit_a_switch_or_another_spelling_is_the_same_training(run_yaml: bytes) -> None:
    assert digest(run_yaml) == digest(b"")


@pytest.mark.parametrize(
    "run_yaml",
    [
        b"seed: 3",
        b"training_type: standard",
        b"method: dpo",
        b"hyperparameters: {n_epochs: 2}",
        b"base_model: gpt-4o-mini-2024-07-18",
        b"base_model: gpt-4.1-nano-2025-04-14.ft-0123-one",
    ],
)
def test_another_model_or_way_of_training_is_another(run_yaml: bytes) -> None:
    assert digest(run_yaml) != digest(b"")


def test_no_limit_of_the_app_is_part_of_it() -> None:
    changed = {"budget": 100.0, "unknown_price": "accept", "deployment_capacity": 3}
    assert digest(b"", **changed) == digest(b"")


@pytest.mark.parametrize(
    "changed", [{"budget": 100.0}, {"unknown_price": "accept"}, {"deployment_capacity": 20}]
)
async def test_a_changed_setting_trains_nothing_again(changed: dict[str, Any]) -> None:
    harness = limited()
    run = await harness.until(await dropped(harness), *ENDS)
    with_settings(harness, **changed)
    await harness.drop(dataset(10, harness.model))
    assert (await harness.until(await harness.received(), *ENDS)).id == run.id
    assert len(memory(harness).jobs) == 1


@pytest.mark.parametrize(
    "asked", [b"budget: 500\n", b"unknown_price: accept\n", b"start: manual\n"]
)
async def test_a_trained_run_with_other_limits_is_deployed_and_not_trained(asked: bytes) -> None:
    harness = limited()
    run = await refused_after_training(harness)
    again = await harness.until(await redropped(harness, STANDARD + asked), *ENDS)
    assert (again.id, again.stage) == (run.id, Stage.SERVING)
    assert len(memory(harness).jobs) == 1


async def test_a_run_entered_with_limits_in_its_digest_is_found_by_what_it_trains() -> None:
    """Under an id that nobody can compute any more: the setting was changed since."""
    harness = limited(budget=50.0)
    run = await refused_after_training(harness)
    never = run.replace(
        id=f"{run.model}-{'7' * 32}", stage=Stage.RECEIVED, job_id=None, fine_tuned_model=None
    )
    await harness.until_inactive()
    runs = harness.ctx.clients.runs
    found = await runs.read(f"{run.id}/run.json")
    assert found
    old = found.data.replace(run.id.encode(), never.id.encode())
    await runs.put(f"{never.id}/run.json", old, "application/json")
    await runs.delete(f"{run.id}/run.json")
    with_settings(harness, budget=60.0)
    again = await redropped(harness, STANDARD)
    assert (again.id, again.stage) == (never.id, Stage.TRAINED)


async def test_a_trained_run_of_before_is_taken_before_one_of_today_that_never_had_a_job() -> None:
    harness = limited()
    run = await refused_after_training(harness)
    await harness.until_inactive()
    runs = harness.ctx.clients.runs
    found = await runs.read(f"{run.id}/run.json")
    assert found
    old = f"{run.model}-{'7' * 32}"
    trained = found.data.replace(run.id.encode(), old.encode())
    await runs.put(f"{old}/run.json", trained, "application/json")
    await harness.rewrite(run, job_id=None, fine_tuned_model=None, stage=Stage.CANCELLED)
    assert (await redropped(harness, STANDARD)).id == old


async def test_a_run_rejected_for_its_budget_goes_on_with_a_larger_one() -> None:
    harness = limited()
    run = await ticked(harness, await dropped(harness, b"budget: 0\n"))
    assert run.stage is Stage.REJECTED
    again = await redropped(harness, b"budget: 500\n")
    assert (again.id, again.stage) == (run.id, Stage.RECEIVED)
    again = await harness.until(again, *ENDS)
    assert (again.stage, again.spec.budget) == (Stage.SERVING, 500.0)
    assert "its limits are now: budget 500.0" in str(await harness.log(run))


async def test_a_budget_lowered_before_anything_was_sent_counts() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, b"start: manual\n"), Stage.READY)
    again = await redropped(harness, b"budget: 0\n")
    assert again.id == run.id
    again = await harness.until(again, *ENDS)
    assert again.stage is Stage.FAILED
    assert again.failure
    assert "the budget of the run is $0.00" in again.failure.message
    assert harness.service.uploads(0) == 0


async def test_a_run_that_waits_for_a_person_starts_when_its_drop_says_so() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, b"start: manual\n"), Stage.READY)
    again = await harness.until(await redropped(harness, b"start: auto\n"), *ENDS)
    assert (again.id, again.stage) == (run.id, Stage.SERVING)
    assert len(memory(harness).jobs) == 1


async def test_the_limits_of_a_run_under_way_at_the_service_stay() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, b"budget: 500\n"), Stage.TRAINING)
    assert (await redropped(harness, b"budget: 1\n")).spec.budget == 500.0
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING
