"""Action people ask of a run: start, cancel, pause, resume, retry; by the API and by hand."""

import json
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.errors import NotFound, NotNow
from shared.run import commands, jobs, reconciler
from shared.run.outcome import Outcome
from shared.run.record import Action, Failure, Run
from shared.run.stages import ENDS, Event, Stage
from tests.conftest import Loop, wait_for
from tests.support.datasets import dataset
from tests.support.faults import Faults
from tests.support.runs import RunHarness

MANUAL = b"start: manual"


def post(loop: Loop, path: str, body: Any = None) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else b""
    request = urllib.request.Request(f"{loop.stack.app_url}/api/{path}", data, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_run_that_waits_for_its_start_is_started_over_the_api(loop: Loop) -> None:
    loop.drop("patient", training_set=dataset(10, "Steady"), run_yaml=MANUAL)
    run = wait_for(lambda: next((r for r in loop.runs("patient") if r["stage"] == "ready"), None))
    waits = wait_for(lambda: loop.get(f"runs/{run['id']}")["waiting_for"])
    assert waits.startswith(f"`tunedrop start {run['id']}`")
    assert loop.jobs_of(run["id"]) == []

    assert post(loop, f"runs/{run['id']}/pause")[0] == 409
    assert post(loop, f"runs/{run['id']}/explode")[0] == 404
    assert post(loop, "runs/nobody-1/start")[0] == 404
    assert post(loop, f"runs/{run['id']}/start", ["no object"])[0] == 400
    status, told = post(loop, f"runs/{run['id']}/start", {"who": "Ada", "why": "looks good"})
    assert (status, told["stage"]) == (202, "checked")

    run = loop.ended_run("patient")
    assert run["stage"] == "serving"
    lines = text(loop, f"runs/{run['id']}/events.jsonl").splitlines()
    assert ("start", "Ada (with the app's key)", "looks good") in [
        (line["message"], line["who"], line["why"]) for line in map(json.loads, lines)
    ]
    assert (run["stuck"], run["eta"], run["signals"]) == (None, None, [])
    assert [point["step"] for point in run["curve"]]
    loop.clear_deployments("patient-")


def text(loop: Loop, path: str) -> str:
    with urllib.request.urlopen(f"{loop.stack.app_url}/api/{path}", timeout=30) as response:
        return str(response.read().decode())


async def test_orders_that_make_no_sense_are_refused_by_name(harness: RunHarness) -> None:
    with pytest.raises(NotFound, match="nobody-1"):
        await commands.give("nobody-1", Action.CANCEL, "Ada", "", harness.ctx)
    await harness.drop(name="training.jsonl")
    await harness.drop(MANUAL, "run.yaml")
    run = await harness.until(await harness.received(), Stage.READY)
    with pytest.raises(NotNow, match="ready cannot take the command resume") as refused:
        await commands.give(run.id, Action.RESUME, "Ada", "", harness.ctx)
    assert refused.value.fix == "It takes: start, cancel."


@pytest.mark.parametrize("stage", [Stage.READY, Stage.SUBMITTED, Stage.TRAINING])
async def test_a_run_is_cancelled_and_its_job_with_it(
    loop: Loop, harness: RunHarness, faults: Faults, stage: Stage
) -> None:
    if stage is Stage.SUBMITTED:
        faults.arm("job-stuck")
    await harness.drop(dataset(400, harness.model) if stage is Stage.TRAINING else None)
    if stage is Stage.READY:
        await harness.drop(MANUAL, "run.yaml")
    run = await harness.until(await harness.received(), stage)
    run = await harness.command(run, Action.CANCEL)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    assert run.failure
    assert (run.failure.message, run.failure.blame) == ("Cancelled by Ada: because", "caller")
    states = [loop.service.fine_tuning.jobs.retrieve(id).status for id in loop.jobs_of(run.id)]
    assert states == ([] if stage is Stage.READY else ["cancelled"])
    assert ("cancelled: Cancelled by Ada: because", "Ada", "because") in [
        (line["message"], line["who"], line["why"]) for line in await harness.log(run)
    ]
    await reconciler.tick(harness.ctx)
    assert await harness.ledger.active() == []


async def test_cancelled_while_deploying_leaves_no_deployment_and_retried_makes_it_again(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.set(creating_seconds=3.0)  # the account takes no other change meanwhile
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    names = [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]
    assert run.deployment not in names or wait_for(lambda: gone(loop, run.deployment))
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert (model.champion, model.candidate) == (None, None)

    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING)
    assert (run.version, run.failure) == (1, None)
    assert loop.jobs_of(run.id) == [run.job_id]  # trained once: it went on from there


def gone(loop: Loop, name: str | None) -> bool:
    return name not in [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]


async def test_a_job_is_paused_and_resumed(harness: RunHarness) -> None:
    await harness.drop(dataset(400, harness.model))
    run = await harness.until(await harness.received(), Stage.TRAINING)
    await wait_for_step(harness, run)
    run = await harness.until(await harness.command(run, Action.PAUSE), Stage.PAUSED, *ENDS)
    assert run.stage is Stage.PAUSED
    run = await harness.until(await harness.command(run, Action.RESUME), Stage.TRAINING, *ENDS)
    assert run.stage is Stage.TRAINING
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)


async def wait_for_step(harness: RunHarness, run: Run) -> None:
    while (await harness.known(run.id)).progress.step is None:
        await reconciler.tick(harness.ctx)


async def test_a_failed_job_is_tried_again_with_its_files_brought_again_and_a_new_job(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("job-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert run.failure.blame == "service"
    first = run.job_id
    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING, Stage.FAILED)
    assert run.stage is Stage.SERVING, run.failure
    assert run.past_jobs == (first,)
    assert sorted(loop.jobs_of(run.id)) == sorted([str(first), str(run.job_id)])
    assert loop.files_of(run.id) == []


async def test_a_rejected_run_may_be_checked_again(harness: RunHarness) -> None:
    await harness.drop(dataset(9))
    run = await harness.until(await harness.received(), *ENDS)
    assert run.failure
    assert "too-few-examples" in run.failure.message
    run = await harness.command(run, Action.RETRY)
    assert run.stage is Stage.RECEIVED
    assert (await harness.until(run, *ENDS)).stage is Stage.REJECTED


async def test_an_order_that_the_service_refuses_is_told_and_the_run_goes_on(
    loop: Loop, harness: RunHarness
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    job = str(run.job_id)  # it ends before anybody has looked again
    wait_for(lambda: loop.service.fine_tuning.jobs.retrieve(job).status == "succeeded")
    run = await harness.command(run, Action.PAUSE)
    assert (run.stage, run.command) == (Stage.TRAINING, None)
    told = [line["message"] for line in await harness.log(run)]
    assert any(message.startswith("pause could not be carried out") for message in told)
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


async def test_an_order_waits_for_the_right_to_carry_it_out(
    harness: RunHarness, faults: Faults
) -> None:
    run = await harness.queued(faults)
    faults.arm("denied", "jobs.get")
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.SUBMITTED
    assert run.command
    assert run.command.action is Action.CANCEL
    assert "role" in str(run.waiting_for)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED


async def test_a_retried_run_whose_job_is_alive_follows_it_and_pays_no_other(
    loop: Loop, harness: RunHarness
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    failure = Failure(message="An old version knew no better.", fix="", blame="us")
    await harness.ledger.commit(run, Outcome(run.replace(failure=failure), Event.FAILED))
    await reconciler.tick(harness.ctx)
    run = await harness.command(run, Action.RETRY)
    assert (run.stage, run.past_jobs) == (Stage.SUBMITTED, ())
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert loop.jobs_of(run.id) == [run.job_id]


async def test_a_retry_while_the_cancelled_deployment_is_deleted_waits_for_that(
    harness: RunHarness, faults: Faults
) -> None:
    faults.arm("not-ready")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    faults.disarm()
    faults.set(deleting_seconds=2.0)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.stage is Stage.SERVING, run.failure


async def test_a_retry_whose_dataset_is_gone_does_not_speak_of_a_newer_one(
    harness: RunHarness, faults: Faults
) -> None:
    faults.arm("job-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.FAILED)
    await reconciler.tick(harness.ctx)
    await harness.ctx.clients.datasets.delete(f"{harness.model}/training.jsonl")
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.failure
    assert "before anything was sent" not in run.failure.message
    assert "newer drop" not in run.failure.fix


async def test_the_curve_of_a_failed_try_is_not_that_of_the_next(
    harness: RunHarness, faults: Faults
) -> None:
    faults.arm("job-failed")
    await harness.drop(dataset(100, harness.model))
    run = await harness.until(await harness.received(), Stage.FAILED)
    assert await harness.ledger.document(run.id, jobs.CURVE)
    assert run.progress.step
    faults.arm("job-stuck")
    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SUBMITTED)
    step, curve = run.progress.step, await harness.ledger.document(run.id, jobs.CURVE)
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    assert (step, curve) == (None, b"[]")


async def test_a_cancel_that_cannot_be_carried_out_is_not_abandoned(
    harness: RunHarness, faults: Faults
) -> None:
    """Action it is to end costs money."""
    faults.arm("not-ready")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    faults.arm("denied", "deployments.*", count=None)
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.PROBING
    await harness.backdate(run, days=1)
    run = await harness.rewrite(run, not_before=None)
    await harness.ticked(days=1, until=harness.ctx.now())
    await reconciler.tick(harness.ctx)
    assert (await harness.known(run.id)).stage is Stage.PROBING
    faults.disarm()
    await harness.until(run, Stage.CANCELLED)
    await commands.give(run.id, Action.RETRY, "Ada", "", harness.ctx)


async def test_a_second_cancel_after_a_full_queue_is_carried_out(
    harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    run = await harness.declined(faults)
    await reconciler.tick(harness.ctx)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    faults.arm("unavailable", "files.list", count=None)  # or no room
    await commands.give(run.id, Action.RETRY, "Ada", "", harness.ctx)
    await reconciler.advance(run.id, harness.ctx)
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.CANCELLED


async def test_a_run_that_waits_for_its_start_is_superseded_by_another_dataset(
    harness: RunHarness,
) -> None:
    await harness.drop(MANUAL, "run.yaml")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.READY)
    await harness.drop()  # the same once more
    await reconciler.tick(harness.ctx)
    assert (await harness.known(run.id)).stage is Stage.READY
    await harness.drop(dataset(11, harness.model))
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SUPERSEDED
    assert run.failure
    assert "was replaced by another" in run.failure.message


async def test_an_older_dataset_that_is_ready_later_does_not_turn_a_model_back(
    harness: RunHarness,
) -> None:
    await harness.drop(MANUAL, "run.yaml")
    await harness.drop()
    older = await harness.until(await harness.received(), Stage.READY)
    older = await harness.command(older, Action.START)
    await reconciler.advance(older.id, harness.ctx)
    assert (await harness.known(older.id)).job_id
    async with harness.ledger.claim(older.id):  # nobody looks after it meanwhile
        await harness.ctx.clients.datasets.put(f"{harness.model}/run.yaml", b"{}", "text/plain")
        await harness.drop(dataset(11, harness.model))
        newer = await harness.until(await harness.received(), Stage.SERVING)
    older = await harness.until(older, *ENDS)
    assert older.stage is Stage.SERVING
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert model.champion == newer.version
    told = [line["message"] for line in await harness.log(older) if line["kind"] == "version"]
    assert told == [f"{harness.model}@{newer.version} stays the champion: its dataset is newer"]


def test_an_order_is_told_how_it_is_given(loop: Loop) -> None:
    loop.drop("orderly", training_set=dataset(9))
    run = loop.ended_run("orderly")
    for body in ({"who": 5}, {"why": ["x"]}, {"who": "A" * 1001}):
        assert post(loop, f"runs/{run['id']}/retry", body)[0] == 400
    with pytest.raises(urllib.error.HTTPError) as refused:
        loop.get(f"runs/{run['id']}/retry")
    with refused.value as answer:
        assert "POST /api/runs" in json.load(answer)["error"]["fix"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        loop.get("runs/nobody/events.jsonl")
    with refused.value as answer:
        assert "There is no run 'nobody'" in json.load(answer)["error"]["message"]
