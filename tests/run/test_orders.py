"""What people ask of a run: start, cancel, pause, resume, retry; by the API and by hand."""

import json
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.errors import NotFound, NotNow
from shared.model.registry import Registry
from shared.run import jobs, keeper, orders
from shared.run.record import Failure, Run, What, now
from shared.run.stages import ENDS, Seen, Stage
from tests.conftest import Loop, wait_for
from tests.loop.test_loop import dataset, jobs_of
from tests.run.conftest import Shore, Trouble, backdate, order, ticked

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
    assert waits.startswith(f"POST /api/runs/{run['id']}/start")
    assert jobs_of(loop, run["id"]) == []

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


async def test_orders_that_make_no_sense_are_refused_by_name(shore: Shore) -> None:
    with pytest.raises(NotFound, match="nobody-1"):
        await orders.give("nobody-1", What.CANCEL, "Ada", "", shore.cloud)
    await shore.drop(name="training.jsonl")
    await shore.drop(MANUAL, "run.yaml")
    run = await shore.until(await shore.received(), Stage.READY)
    with pytest.raises(NotNow, match="ready cannot take the order resume") as refused:
        await orders.give(run.id, What.RESUME, "Ada", "", shore.cloud)
    assert refused.value.fix == "It takes: start, cancel."


@pytest.mark.parametrize("stage", [Stage.READY, Stage.SUBMITTED, Stage.TRAINING])
async def test_a_run_is_cancelled_and_its_job_with_it(
    loop: Loop, shore: Shore, trouble: Trouble, stage: Stage
) -> None:
    if stage is Stage.SUBMITTED:
        trouble.arm("job-stuck")
    await shore.drop(dataset(400, shore.model) if stage is Stage.TRAINING else None)
    if stage is Stage.READY:
        await shore.drop(MANUAL, "run.yaml")
    run = await shore.until(await shore.received(), stage)
    run = await order(shore, run, What.CANCEL)
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    assert run.failure
    assert (run.failure.message, run.failure.blame) == ("Cancelled by Ada: because", "caller")
    states = [loop.service.fine_tuning.jobs.retrieve(id).status for id in jobs_of(loop, run.id)]
    assert states == ([] if stage is Stage.READY else ["cancelled"])
    assert ("cancelled: Cancelled by Ada: because", "Ada", "because") in [
        (line["message"], line["who"], line["why"]) for line in await shore.log(run)
    ]
    await keeper.tick(shore.cloud)
    assert await shore.ledger.active() == []


async def test_cancelled_while_deploying_leaves_no_deployment_and_retried_makes_it_again(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.set(creating_seconds=3.0)  # the account takes no other change meanwhile
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.DEPLOYING)
    run = await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    names = [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]
    assert run.deployment not in names or wait_for(lambda: gone(loop, run.deployment))
    model = await Registry(shore.cloud.models).load(shore.model)
    assert model
    assert (model.champion, model.candidate) == (None, None)

    run = await shore.until(await order(shore, run, What.RETRY), Stage.SERVING)
    assert (run.version, run.failure) == (1, None)
    assert jobs_of(loop, run.id) == [run.job_id]  # trained once: it went on from there


def gone(loop: Loop, name: str | None) -> bool:
    return name not in [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]


async def test_a_job_is_paused_and_resumed(shore: Shore) -> None:
    await shore.drop(dataset(400, shore.model))
    run = await shore.until(await shore.received(), Stage.TRAINING)
    await wait_for_step(shore, run)
    run = await shore.until(await order(shore, run, What.PAUSE), Stage.PAUSED, *ENDS)
    assert run.stage is Stage.PAUSED
    run = await shore.until(await order(shore, run, What.RESUME), Stage.TRAINING, *ENDS)
    assert run.stage is Stage.TRAINING
    await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)


async def wait_for_step(shore: Shore, run: Run) -> None:
    while (await shore.known(run.id)).progress.step is None:
        await keeper.tick(shore.cloud)


async def test_a_failed_job_is_tried_again_with_its_files_brought_again_and_a_new_job(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("job-failed")
    await shore.drop()
    run = await shore.until(await shore.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert run.failure.blame == "service"
    first = run.job_id
    run = await shore.until(await order(shore, run, What.RETRY), Stage.SERVING, Stage.FAILED)
    assert run.stage is Stage.SERVING, run.failure
    assert run.past_jobs == [first]
    assert sorted(jobs_of(loop, run.id)) == sorted([str(first), str(run.job_id)])
    assert loop.files_of(run.id) == []


async def test_a_rejected_run_may_be_checked_again(shore: Shore) -> None:
    await shore.drop(dataset(9))
    run = await shore.until(await shore.received(), *ENDS)
    assert run.failure
    assert "too-few-examples" in run.failure.message
    run = await order(shore, run, What.RETRY)
    assert run.stage is Stage.RECEIVED
    assert (await shore.until(run, *ENDS)).stage is Stage.REJECTED


async def test_an_order_that_the_service_refuses_is_told_and_the_run_goes_on(
    loop: Loop, shore: Shore
) -> None:
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.TRAINING)
    job = str(run.job_id)  # it ends before anybody has looked again
    wait_for(lambda: loop.service.fine_tuning.jobs.retrieve(job).status == "succeeded")
    run = await order(shore, run, What.PAUSE)
    assert (run.stage, run.order) == (Stage.TRAINING, None)
    told = [line["message"] for line in await shore.log(run)]
    assert any(message.startswith("pause could not be carried out") for message in told)
    assert (await shore.until(run, *ENDS)).stage is Stage.SERVING


async def test_an_order_waits_for_the_right_to_carry_it_out(shore: Shore, trouble: Trouble) -> None:
    run = await shore.queued(trouble)
    trouble.arm("denied", "jobs.get")
    run = await order(shore, run, What.CANCEL)
    assert run.stage is Stage.SUBMITTED
    assert run.order
    assert run.order.what is What.CANCEL
    assert "role" in str(run.waiting_for)
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED


async def test_a_retried_run_whose_job_is_alive_follows_it_and_pays_no_other(
    loop: Loop, shore: Shore
) -> None:
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.TRAINING)
    run.failure = Failure(message="An old version knew no better.", fix="", blame="us")
    await shore.ledger.move(run, Seen.FAILED)
    await keeper.tick(shore.cloud)
    run = await order(shore, run, What.RETRY)
    assert (run.stage, run.past_jobs) == (Stage.SUBMITTED, [])
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert jobs_of(loop, run.id) == [run.job_id]


async def test_a_retry_while_the_cancelled_deployment_is_deleted_waits_for_that(
    shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("not-ready")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.PROBING)
    trouble.disarm()
    trouble.set(deleting_seconds=2.0)
    run = await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    run = await shore.until(await order(shore, run, What.RETRY), *ENDS)
    assert run.stage is Stage.SERVING, run.failure


async def test_a_retry_whose_dataset_is_gone_does_not_speak_of_a_newer_one(
    shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("job-failed")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.FAILED)
    await keeper.tick(shore.cloud)
    await shore.cloud.datasets.delete(f"{shore.model}/training.jsonl")
    run = await shore.until(await order(shore, run, What.RETRY), *ENDS)
    assert run.failure
    assert "before anything was sent" not in run.failure.message
    assert "newer drop" not in run.failure.fix


async def test_the_curve_of_a_failed_try_is_not_that_of_the_next(
    shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("job-failed")
    await shore.drop(dataset(100, shore.model))
    run = await shore.until(await shore.received(), Stage.FAILED)
    assert await shore.ledger.document(run.id, jobs.CURVE)
    assert run.progress.step
    trouble.arm("job-stuck")
    run = await shore.until(await order(shore, run, What.RETRY), Stage.SUBMITTED)
    step, curve = run.progress.step, await shore.ledger.document(run.id, jobs.CURVE)
    await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    assert (step, curve) == (None, b"[]")


async def test_a_cancel_that_cannot_be_carried_out_is_not_given_up(
    shore: Shore, trouble: Trouble
) -> None:
    """What it is to end costs money."""
    trouble.arm("not-ready")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.PROBING)
    trouble.arm("denied", "deployments.*", count=None)
    run = await order(shore, run, What.CANCEL)
    assert run.stage is Stage.PROBING
    await backdate(shore, run, days=1)
    run = await shore.known(run.id)
    run.not_before = None
    await shore.ledger.save(run)
    await ticked(shore, days=1, until=now())
    await keeper.tick(shore.cloud)
    assert (await shore.known(run.id)).stage is Stage.PROBING
    trouble.disarm()
    await shore.until(run, Stage.CANCELLED)
    await orders.give(run.id, What.RETRY, "Ada", "", shore.cloud)


async def test_a_second_cancel_after_a_full_queue_is_carried_out(
    shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.run.jobs.IN_FLIGHT", timedelta(0))
    run = await shore.uploaded(trouble)
    await keeper.tick(shore.cloud)
    run = await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    trouble.arm("unavailable", "files.list", count=None)  # or no room
    await orders.give(run.id, What.RETRY, "Ada", "", shore.cloud)
    await keeper.advance(run.id, shore.cloud)
    run = await order(shore, run, What.CANCEL)
    assert run.stage is Stage.CANCELLED


async def test_a_run_that_waits_for_its_start_is_superseded_by_another_dataset(
    shore: Shore,
) -> None:
    await shore.drop(MANUAL, "run.yaml")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.READY)
    await shore.drop()  # the same once more
    await keeper.tick(shore.cloud)
    assert (await shore.known(run.id)).stage is Stage.READY
    await shore.drop(dataset(11, shore.model))
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.SUPERSEDED
    assert run.failure
    assert "was replaced by another" in run.failure.message


async def test_an_older_dataset_that_is_ready_later_does_not_turn_a_model_back(
    shore: Shore,
) -> None:
    await shore.drop(MANUAL, "run.yaml")
    await shore.drop()
    older = await shore.until(await shore.received(), Stage.READY)
    older = await order(shore, older, What.START)
    await keeper.advance(older.id, shore.cloud)
    assert (await shore.known(older.id)).job_id
    async with shore.ledger.claim(older.id):  # nobody looks after it meanwhile
        await shore.cloud.datasets.put(f"{shore.model}/run.yaml", b"{}", "text/plain")
        await shore.drop(dataset(11, shore.model))
        newer = await shore.until(await shore.received(), Stage.SERVING)
    older = await shore.until(older, *ENDS)
    assert older.stage is Stage.SERVING
    model = await Registry(shore.cloud.models).load(shore.model)
    assert model
    assert model.champion == newer.version
    told = [line["message"] for line in await shore.log(older) if line["kind"] == "version"]
    assert told == [f"{shore.model}@{newer.version} stays the champion: its dataset is newer"]


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
