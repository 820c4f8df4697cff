"""What people ask of a run: start, cancel, pause, resume, retry."""

from datetime import timedelta

import pytest

from shared.errors import NotFound, NotNow
from shared.run import commands, reconciler
from shared.run.record import Action
from shared.run.stages import ENDS, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.harness import on_both
from tests.support.runs import RunHarness

MANUAL = b"start: manual"


async def test_commands_that_make_no_sense_are_refused_by_name(harness: RunHarness) -> None:
    with pytest.raises(NotFound, match="nobody-1"):
        await commands.give("nobody-1", Action.CANCEL, "Ada", "", harness.ctx)
    await harness.drop(name="training.jsonl")
    await harness.drop(MANUAL, "run.yaml")
    run = await harness.until(await harness.received(), Stage.READY)
    with pytest.raises(NotNow, match="ready cannot take the command resume") as refused:
        await commands.give(run.id, Action.RESUME, "Ada", "", harness.ctx)
    assert refused.value.fix == "It takes: start, cancel, deploy."


@pytest.mark.parametrize(
    ("harness", "stage"),
    [
        ("memory", Stage.READY),
        ("memory", Stage.SUBMITTED),
        ("memory", Stage.TRAINING),
        ("stack", Stage.TRAINING),
    ],
    indirect=["harness"],
)
async def test_a_run_is_cancelled_and_its_job_with_it(
    harness: RunHarness, service: ServiceControl, stage: Stage
) -> None:
    if stage is Stage.SUBMITTED:
        service.arm("job-stuck")
    await harness.drop(dataset(400, harness.model) if stage is Stage.TRAINING else None)
    if stage is Stage.READY:
        await harness.drop(MANUAL, "run.yaml")
    run = await harness.until(await harness.received(), stage)
    run = await harness.command(run, Action.CANCEL)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    assert run.failure
    assert (run.failure.message, run.failure.blame) == ("Cancelled by Ada: because", "caller")
    states = [service.job_status(job) for job in service.jobs_of(run.id)]
    assert states == ([] if stage is Stage.READY else ["cancelled"])
    assert ("cancelled: Cancelled by Ada: because", "Ada", "because") in [
        (line["message"], line["who"], line["why"]) for line in await harness.log(run)
    ]
    await harness.tick()
    assert await harness.ledger.active() == []


async def test_cancelled_while_deploying_it_leaves_none_and_a_retry_makes_it_again(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.configure(creating_seconds=3.0)  # the account takes no other change meanwhile
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    service.wait_for(lambda: run.deployment not in service.deployments())
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert (model.champion, model.candidate) == (None, None)

    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING)
    assert (run.version, run.failure) == (1, None)
    assert service.jobs_of(run.id) == [run.job_id]  # trained once: it went on from there


@on_both
async def test_a_job_is_paused_and_resumed(harness: RunHarness) -> None:
    await harness.drop(dataset(400, harness.model))
    run = await harness.until(await harness.received(), Stage.TRAINING)
    while (await harness.known(run.id)).progress.step is None:
        await harness.tick()
        await harness.pause(1 if harness.clock else 0)
    run = await harness.until(await harness.command(run, Action.PAUSE), Stage.PAUSED, *ENDS)
    assert run.stage is Stage.PAUSED
    run = await harness.until(await harness.command(run, Action.RESUME), Stage.TRAINING, *ENDS)
    assert run.stage is Stage.TRAINING
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)


async def test_a_paused_run_waits_for_a_person_however_long(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop(dataset(400, harness.model))
    run = await harness.until(await harness.received(), Stage.TRAINING)
    await harness.pause(2)
    await harness.tick()
    run = await harness.until(await harness.command(run, Action.PAUSE), Stage.PAUSED)
    await harness.pause(timedelta(days=90).total_seconds())
    await harness.ticked(days=90)
    await harness.tick()
    run = await harness.known(run.id)
    assert run.stage is Stage.PAUSED
    assert run.waiting_for == f"`tunedrop resume {run.id}`: its job is paused."
    run = await harness.until(await harness.command(run, Action.RESUME), Stage.SERVING)
    assert service.jobs_of(run.id) == [run.job_id]


async def test_a_command_that_the_service_refuses_is_told_and_the_run_goes_on(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    service.finish_job(str(run.job_id))  # it ends before anybody has looked again
    run = await harness.command(run, Action.PAUSE)
    assert (run.stage, run.command) == (Stage.TRAINING, None)
    messages = await harness.messages(run, "command")
    assert any(message.startswith("pause could not be carried out") for message in messages)
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


async def test_a_command_waits_for_the_right_to_carry_it_out(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    service.arm("denied", "jobs.get")
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.SUBMITTED
    assert run.command
    assert run.command.action is Action.CANCEL
    assert "role" in str(run.waiting_for)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED


async def test_a_command_is_not_held_up_by_the_pause_after_a_failure(
    harness: RunHarness, service: ServiceControl
) -> None:
    """It is given while another worker is on the run; the next tick carries it out."""
    run = await harness.queued()
    service.arm("throttled", "jobs.get", retry_after=3600)
    await harness.tick()
    async with harness.ledger.claim(run.id) as claim:
        assert claim
        assert (await harness.command(run, Action.CANCEL)).stage is Stage.SUBMITTED
    await harness.tick()
    assert (await harness.known(run.id)).stage is Stage.CANCELLED


async def test_a_command_that_is_still_to_be_carried_out_admits_no_other(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    service.arm("unavailable", "jobs.*", count=None)
    run = await harness.command(run, Action.CANCEL)
    again = await commands.give(run.id, Action.CANCEL, "Bob", "me too", harness.ctx)
    assert again.command
    assert again.command.who == "Ada"
    with pytest.raises(NotNow):
        await commands.give(run.id, Action.RETRY, "Bob", "", harness.ctx)
    assert await harness.messages(run, "command") == ["cancel"]


async def test_a_cancel_that_cannot_be_carried_out_is_not_abandoned(
    harness: RunHarness, service: ServiceControl
) -> None:
    """What it is to end costs money."""
    service.arm("not-ready")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    service.arm("denied", "deployments.*", count=None)
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.PROBING
    await harness.backdate(run, days=1)
    run = await harness.rewrite(run, not_before=None)
    await harness.ticked(days=1)
    await harness.tick()
    assert (await harness.known(run.id)).stage is Stage.PROBING
    service.disarm()
    await harness.until(run, Stage.CANCELLED)
    await commands.give(run.id, Action.RETRY, "Ada", "", harness.ctx)


async def test_a_second_cancel_after_a_full_queue_is_carried_out(
    harness: RunHarness, service: ServiceControl
) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    run = await harness.declined()
    await harness.tick()
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    service.arm("unavailable", "files.list", count=None)  # or no room
    await commands.give(run.id, Action.RETRY, "Ada", "", harness.ctx)
    await reconciler.advance(run.id, harness.ctx)
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.CANCELLED


async def test_a_cancel_waits_for_a_job_that_may_still_be_on_its_way(
    harness: RunHarness, service: ServiceControl
) -> None:
    """ "create job" was sent and not answered; the job may show itself for two minutes yet."""
    service.arm("reset-before", "jobs.create", count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SUBMITTING)
    assert run.asked_at
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.SUBMITTING
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    assert harness.ctx.now() - run.timeline[-2].at >= harness.ctx.policy.job_in_flight


async def test_a_run_that_waits_for_its_start_is_superseded_by_another_dataset(
    harness: RunHarness,
) -> None:
    await harness.drop(MANUAL, "run.yaml")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.READY)
    await harness.drop()  # the same once more
    await harness.tick()
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
    assert older.stage is Stage.HELD
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert model.champion == newer.version
    champion, mine = (f"{harness.model}@{run.version}" for run in (newer, older))
    said = f"{champion} stays the champion: its dataset is newer than that of {mine}."
    assert older.held == said
    assert (await harness.messages(older, "stage"))[-1] == f"held: {said}"


async def test_a_version_that_a_person_is_to_promote_is_held_with_its_deployment(
    harness: RunHarness,
) -> None:
    await harness.drop(b"promote: manual", "run.yaml")
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.HELD
    assert "promote: manual" in run.held
    await harness.until_inactive()
    model = await harness.ctx.registry.load(harness.model)
    assert model and model.champion is None and model.candidate == run.version
    assert list(harness.service.deployments()) == [run.deployment]


async def test_what_a_command_has_led_to_is_told_in_the_name_of_who_gave_it(
    harness: RunHarness,
) -> None:
    await harness.drop(MANUAL, "run.yaml")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.READY)
    await harness.command(run, Action.START)
    run = await harness.until(run, Stage.TRAINING)
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    run = await harness.command(run, Action.RETRY)
    run = await harness.until(run, Stage.SERVING)
    who = {"start", "cancel", "retry"}
    commanded = [(line["message"], line["who"]) for line in await harness.log(run)]
    assert [message for message, name in commanded if name == "Ada" and message in who] == [
        "start",
        "cancel",
        "retry",
    ]
    stages = [line for line in await harness.log(run) if line["kind"] == "stage"]
    assert [line["message"] for line in stages if line["who"] == "Ada"] == [
        "checked: start command",
        "cancelled: Cancelled by Ada: because",
        "checked: retry command",
    ]
    assert {line["why"] for line in stages if line["who"] == "Ada"} == {"because"}
