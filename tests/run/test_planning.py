"""A run and its account: what the account refuses ends the run before anything of it is sent, what
passes by itself is waited for, and both are told where people look."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.cloud.offers import Files, Jobs, Offers
from shared.run import planning
from shared.run.record import Action, Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.harness import on_stack
from tests.support.offered import ENTRIES, MINI_4O, OFFERS, offering, offers, tuned_deployments
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService

# As in the report of somebody who has trained, paid and then could not deploy.
CANNOT_BE_SERVED = f"""base_model: {MINI_4O}
hyperparameters:
  n_epochs: 1
deployment:
  sku: DeveloperTier
"""
SENT = {"files.create", "jobs.create", "deployments.put"}


def say(harness: RunHarness, account: Offers) -> None:
    """What the account says from now on."""
    assert isinstance(harness.service, MemoryService)
    harness.service.offers = account


async def dropped(harness: RunHarness, run_yaml: str = "") -> Run:
    if run_yaml:
        await harness.drop(run_yaml.encode(), "run.yaml")
    await harness.drop()
    return await harness.received()


def sent(harness: RunHarness) -> set[str]:
    assert isinstance(harness.service, MemoryService)
    return SENT & set(harness.service.journal)


async def document(harness: RunHarness, run: Run, name: str) -> Any:
    found = await harness.ledger.document(run.id, name)
    return json.loads(found) if found else None


async def test_what_cannot_be_served_ends_before_anything_is_sent(harness: RunHarness) -> None:
    say(harness, OFFERS)
    run = await harness.until(await dropped(harness, CANNOT_BE_SERVED), Stage.FAILED)
    assert run.failure
    assert run.failure.blame == "caller"
    assert f"does not deploy tuned {MINI_4O} as DeveloperTier" in run.failure.message
    assert run.failure.message.endswith("Nothing was sent.")
    assert "Standard, GlobalStandard, DataZoneStandard" in run.failure.fix
    assert f"`tunedrop retry {run.id}`" in run.failure.fix
    assert sent(harness) == set()
    assert (run.job_id, run.asked_at) == (None, None)


async def test_a_retry_goes_on_once_the_account_has_changed(harness: RunHarness) -> None:
    say(harness, offers(deployments=tuned_deployments(10)))
    run = await harness.until(await dropped(harness), Stage.FAILED)
    again = await harness.until(await harness.command(run, Action.RETRY), Stage.FAILED)
    assert again.attempt == 2
    assert sent(harness) == set()
    say(harness, OFFERS)
    run = await harness.until(await harness.command(again, Action.RETRY), Stage.SERVING)
    assert harness.service.jobs_of(run.id) == [run.job_id]


async def test_a_corrected_run_yaml_is_dropped_again_and_pays_once(harness: RunHarness) -> None:
    say(harness, OFFERS)
    await harness.until(await dropped(harness, CANNOT_BE_SERVED), Stage.FAILED)
    corrected = CANNOT_BE_SERVED.replace("DeveloperTier", "GlobalStandard")
    run = await harness.until(await dropped(harness, corrected), Stage.SERVING)
    assert len(harness.service.jobs_of(run.id)) == 1
    assert run.spec.deployment.sku == "GlobalStandard"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"jobs": Jobs(30, 20)}, "20 of 20 queued. It waits for the queue."),
        ({"files": Files(100, 0)}, "100 of 100 files"),
    ],
)
async def test_what_passes_by_itself_is_waited_for(
    harness: RunHarness, parts: dict[str, Any], says: str
) -> None:
    say(harness, offers(**parts))
    run = await dropped(harness)
    for _ in range(3):
        await harness.tick()
        await harness.pause(60)
    waiting = await harness.known(run.id)
    assert waiting.stage is Stage.CHECKED
    assert says in str(waiting.waiting_for)
    assert sent(harness) == set()
    assert len(await harness.messages(run, "waiting")) == 1
    say(harness, OFFERS)
    await harness.until(run, Stage.SERVING)


async def test_an_account_that_does_not_answer_stops_nothing(harness: RunHarness) -> None:
    say(harness, Offers())
    run = await harness.until(await dropped(harness), Stage.SERVING)
    plan = await document(harness, run, "plan.json")
    assert plan["says"] == "unknown"


async def test_a_refused_run_gives_its_place_under_the_ceilings_back(harness: RunHarness) -> None:
    say(harness, offers(models=()))
    harness.ctx.clients.settings = replace(harness.ctx.settings, daily_runs=1)
    await harness.until(await dropped(harness), Stage.FAILED)
    await harness.until_inactive()
    say(harness, OFFERS)
    await harness.drop(dataset(11, voice="another"))
    await harness.until(await harness.received(), Stage.SERVING)


async def test_a_run_is_not_asked_about_again_once_its_files_are_there(harness: RunHarness) -> None:
    """What comes after is followed, whatever the account says by then: its files are sent."""
    say(harness, OFFERS)
    harness.service.arm("file-stuck")
    run = await dropped(harness)
    await harness.tick()
    await harness.tick()
    waiting = await harness.known(run.id)
    assert waiting.training.file_id
    say(harness, offers(deployments=tuned_deployments(10)))
    await harness.tick()
    assert (await harness.known(run.id)).stage is Stage.CHECKED


async def test_a_run_that_has_waited_in_the_queue_is_planned_again_before_it_is_paid_for(
    harness: RunHarness,
) -> None:
    say(harness, OFFERS)
    run = await harness.declined()
    say(harness, offers(deployments=tuned_deployments(10)))
    harness.service.configure(queue_limit=10)
    await harness.pause(24 * 3600)
    run = await harness.until(run, Stage.FAILED)
    assert run.failure
    assert "10 of 10 deployments of tuned models" in run.failure.message
    assert run.failure.message.endswith("No job was created.")
    assert harness.service.jobs_of(run.id) == []
    say(harness, OFFERS)
    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING)
    assert harness.service.jobs_of(run.id) == [run.job_id]


async def test_the_plan_stands_in_the_report_and_beside_the_run(harness: RunHarness) -> None:
    say(harness, OFFERS)
    run = await harness.until(await dropped(harness, CANNOT_BE_SERVED), Stage.FAILED)
    report = await document(harness, run, "report.json")
    plan = await document(harness, run, "plan.json")
    assert report["verdict"] == "accepted"  # the dataset is good
    assert report["account"]["answers"] == plan["answers"]
    assert plan["says"] == "no"
    assert plan["region"] == "swedencentral"
    page = await harness.ledger.document(run.id, "report.html")
    assert page
    assert b"The account in swedencentral" in page
    assert b"as DeveloperTier" in page


async def test_the_plan_of_a_run_is_the_last_one(harness: RunHarness) -> None:
    say(harness, offers(deployments=tuned_deployments(10)))
    run = await harness.until(await dropped(harness), Stage.FAILED)
    say(harness, OFFERS)
    await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING)
    plan = await planning.kept(run.id, harness.ctx)
    assert plan
    assert plan["says"] == "yes"


async def test_a_base_model_of_a_stranger_cannot_write_into_the_page(harness: RunHarness) -> None:
    say(harness, offering(*ENTRIES))
    run = await dropped(harness, "base_model: '<script>alert(1)</script>'\n")
    run = await harness.until(run, Stage.FAILED, Stage.REJECTED)
    page = await harness.ledger.document(run.id, "report.html")
    assert page
    assert b"<script>" not in page


@on_stack
async def test_no_job_is_made_for_what_the_real_control_plane_would_not_deploy(
    harness: RunHarness,
) -> None:
    """Through Microsoft's SDK at the emulator: its journal shows that nothing was made."""
    calls = harness.service.calls()
    run = await harness.until(await dropped(harness, CANNOT_BE_SERVED), Stage.FAILED)
    assert run.failure
    assert f"does not deploy tuned {MINI_4O} as DeveloperTier" in run.failure.message
    journal = harness.service.stack.emulator(  # type: ignore[attr-defined]
        f"journal?after={calls}&limit=1000", method="GET"
    )["data"]
    made = {entry["operation"] for entry in journal}
    assert not made & SENT
    assert harness.service.jobs_of(run.id) == []
