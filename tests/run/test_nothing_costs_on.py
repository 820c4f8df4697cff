"""An ended run leaves nothing that costs, whoever was late, refused or had lost what it knew."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from shared.cloud.finetuning import FineTuning
from shared.errors import Refused, Throttled, Unavailable
from shared.model.registry import Model, Registry
from shared.run import commands, creation, reconciler
from shared.run.ledger import Ledger
from shared.run.record import Action, Run
from shared.run.stages import Event, Stage
from tests.support.decided import BY_RUN
from tests.support.placed import MADE, START, PlacedRun, command, deploying


@pytest.fixture
def placed() -> PlacedRun:
    return PlacedRun()


# ---- an end that leaves what costs


async def test_an_unreadable_model_record_ends_no_run_with_its_deployment_alive(
    placed: PlacedRun,
) -> None:
    await deploying(placed)
    await placed.clients.models.put("m.json", b"{}", "")
    run = await placed.tick(3)
    assert not (run.ended and placed.control.there), f"{run.stage}, and m-v1 goes on costing"


async def test_a_lost_model_record_ends_no_run_with_its_deployment_alive(placed: PlacedRun) -> None:
    """Storage has lost the registry's acknowledged write; the run's own record knows all."""
    await deploying(placed)
    run = await placed.tick(3)
    assert not (run.ended and placed.control.there), f"{run.stage}, and m-v1 goes on costing"


async def test_a_refused_deletion_does_not_count_as_an_end(placed: PlacedRun) -> None:
    await placed.version()
    await deploying(placed, command=command(Action.ABANDON))
    placed.control.refusal = Refused("400: there is a lock on it.")
    run = await placed.tick(3)
    assert not (run.ended and placed.control.there), f"{run.stage}, and m-v1 goes on costing"


async def test_a_cancel_that_was_refused_is_not_followed_by_serving(placed: PlacedRun) -> None:
    await placed.version()
    await deploying(placed, command=command(Action.CANCEL))
    placed.control.refusal = Refused("400: there is a lock on it.")
    run = await placed.tick(3)
    model = await placed.ctx.registry.load("m")
    assert model
    assert not (model.champion and model.version(model.champion).withdrawn), f"{run.stage}"


async def test_a_deletion_that_was_accepted_and_not_done_is_no_end(placed: PlacedRun) -> None:
    await placed.version()
    await deploying(placed, command=command(Action.CANCEL))
    placed.control.deletes = False
    run = await placed.tick(3)
    assert not (run.ended and placed.control.there), f"{run.stage}, and m-v1 goes on costing"


async def test_a_job_is_found_whose_metadata_the_service_has_added_to() -> None:
    """Equality of the whole metadata, and the file only where there is none: neither finds it."""

    class Client:
        @property
        def fine_tuning(self) -> Any:
            return self

        jobs = fine_tuning

        async def list(self) -> AsyncIterator[Any]:
            metadata = {"tunedrop_run": "m-1", "azure": "tier"}
            yield SimpleNamespace(id="J1", status="running", training_file="F1", metadata=metadata)

    client: Any = Client()
    found = await FineTuning(client).find_job({"tunedrop_run": "m-1"}, "F1", ())
    assert found, "and a second one is paid for"


async def test_a_run_that_ends_while_deploying_says_which_version_it_made(
    placed: PlacedRun,
) -> None:
    """Before the rewrite it did: an error kept what the step had noted."""
    await placed.run(Stage.TRAINED, job_id="J1", fine_tuned_model=MADE)
    placed.control.has("m-v1", "somebody else's")
    run = await placed.tick(3)
    assert run.stage is Stage.FAILED
    assert run.version == 1


# ---- workers that have lost their claim


async def cancel_elsewhere(placed: PlacedRun) -> None:
    """The lease of a stalled worker has run out; another one carries out a cancel to its end."""
    placed.clients.runs.break_leases()
    await commands.give("m-1", Action.CANCEL, "Ada", "", placed.ctx)
    await reconciler.execute_now("m-1", placed.ctx)
    placed.wait(minutes=5)
    await reconciler.execute_now("m-1", placed.ctx)
    assert (await placed.known()).stage is Stage.CANCELLED


async def test_a_stalled_deploy_leaves_no_deployment_of_a_cancelled_run(placed: PlacedRun) -> None:
    await placed.run(Stage.TRAINED, job_id="J1", fine_tuned_model=MADE)
    placed.control.before_put = lambda: cancel_elsewhere(placed)
    await placed.tick(3)
    assert not placed.control.there, "the run is cancelled, its deployment costs"


async def test_a_stalled_create_leaves_no_job_of_a_cancelled_run(placed: PlacedRun) -> None:
    await placed.run(Stage.UPLOADED)
    placed.jobs.before_submit = lambda: cancel_elsewhere(placed)
    await placed.tick(3)
    assert not placed.jobs.alive, "the run is cancelled, its job costs"


async def test_an_intent_that_was_written_slowly_is_not_acted_upon(placed: PlacedRun) -> None:
    """The window in which others send nothing has passed before this worker sends its own."""
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    placed.wait(minutes=5)  # the write of the intent took so long; another worker may have asked
    await creation.create_job(run, placed.ctx, placed.ctx.uptime())
    assert not placed.jobs.jobs, "sent long after the window that the intent had opened"


async def test_two_jobs_after_a_slow_intent(
    placed: PlacedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with both workers."""
    await placed.run(Stage.UPLOADED)
    commit = Ledger.commit

    async def slow(self: Ledger, before: Run, outcome: Any) -> Run:
        written = await commit(self, before, outcome)
        if outcome.event is Event.JOB_INTENDED:
            monkeypatch.setattr(Ledger, "commit", commit)
            placed.wait(minutes=3)  # the process was frozen, or storage hung
            placed.clients.runs.break_leases()
            await reconciler.tick(placed.ctx)
        return written

    monkeypatch.setattr(Ledger, "commit", slow)
    await placed.tick(2)
    assert len(placed.jobs.jobs) == 1, "two paid jobs"


async def test_a_run_that_is_entered_slowly_keeps_its_marker(placed: PlacedRun) -> None:
    run = await placed.run(Stage.RECEIVED)
    runs = placed.clients.runs
    for name in ("m-1/run.json", "active/m-1"):
        await runs.delete(name)
    append = runs.append

    async def slow(name: str, line: str) -> None:
        runs.append = append
        placed.wait(seconds=40)
        await reconciler.advance("m-1", placed.ctx)  # a tick meets the marker
        await append(name, line)

    runs.append = slow
    assert await placed.ctx.ledger.create(run)
    assert await placed.ctx.ledger.active() == ["m-1"], "received, and no tick will look after it"


async def test_a_run_whose_marker_was_never_written_gets_it_with_the_next_event(
    placed: PlacedRun,
) -> None:
    """Its worker was slow, so a tick has cleared the first marker, and died before the second."""
    run = await placed.run(Stage.RECEIVED)
    await placed.clients.runs.delete("active/m-1")
    assert not await placed.ctx.ledger.create(run)
    assert await placed.ctx.ledger.active() == ["m-1"], "received, and no tick will look after it"


async def test_a_withdrawn_version_does_not_become_the_champion(placed: PlacedRun) -> None:
    version = await placed.version()
    await placed.ctx.registry.withdraw("m", version.version, BY_RUN)
    model = await placed.ctx.registry.promote(
        "m", version.version, BY_RUN
    )  # by a worker that comes late
    assert model.champion is None


async def test_a_withdrawn_version_is_nobodys_fallback(placed: PlacedRun) -> None:
    registry: Registry = placed.ctx.registry
    for run_id in ("m-1", "m-2", "m-3"):
        await registry.promote("m", (await placed.version(run_id=run_id)).version, BY_RUN)
    model: Model = await registry.withdraw("m", 2, BY_RUN)  # a kill behind promote(), then a cancel
    assert model.previous != 2, "chat falls back on a deployment that was deleted"
    model = await registry.withdraw("m", 3, BY_RUN)
    assert model.champion != 2, "the champion is withdrawn; a chat has it deployed again"


async def test_a_conflict_does_not_forget_how_late_a_create_was_unanswered(
    placed: PlacedRun,
) -> None:
    """One worker, with its claim: what it knows of its call is lost to a command."""
    await placed.run(Stage.UPLOADED)

    async def unanswered() -> None:
        placed.wait(seconds=150)  # slow writes of the intent, connecting, sending, reading
        await commands.give("m-1", Action.CANCEL, "Ada", "", placed.ctx)
        raise Unavailable("no answer")

    placed.jobs.before_submit = unanswered
    await reconciler.tick(placed.ctx)
    placed.wait(seconds=10)
    placed.jobs.put("running")  # the service was slow, not deaf
    run = await placed.tick(3)
    assert not placed.jobs.alive, f"{run.stage}, and its job costs"


async def test_a_late_refusal_does_not_forget_the_job_of_another_worker(
    placed: PlacedRun,
) -> None:
    """A worker that stood still for minutes before its call, which is then refused."""
    await placed.run(Stage.UPLOADED)

    async def refused() -> None:
        placed.wait(minutes=5)
        placed.clients.runs.break_leases()
        await reconciler.tick(placed.ctx)  # another worker asks, and has a job
        raise Throttled("too many")

    placed.jobs.before_submit = refused
    await reconciler.tick(placed.ctx)
    run = await placed.known()
    assert (run.stage, run.job_id) == (Stage.TRAINING, "J1"), "the run has forgotten its job"


# ---- two apps on one resource


async def test_an_app_does_not_cancel_the_job_of_another(placed: PlacedRun) -> None:
    """The same content dropped into a staging app: same id, same metadata."""
    other = PlacedRun()
    other.jobs, other.control = placed.jobs, placed.control
    other.clients.finetuning, other.clients.deployments = placed.jobs, placed.control
    job = placed.jobs.put("running", f"m-1 {placed.ctx.app_id}")
    await placed.run(Stage.TRAINING, job_id=job)
    await other.run(Stage.CHECKED, command=command(Action.CANCEL))
    await other.tick()
    assert placed.jobs.alive == ["J1"], "what is not this run's is never changed"


# ---- a lost write and a replaced dataset


async def test_a_superseded_run_whose_record_is_too_old_leaves_no_job(placed: PlacedRun) -> None:
    placed.jobs.put("running")
    await placed.run(Stage.RECEIVED)  # the writes since then are lost
    run = await placed.tick(3)
    assert run.stage is Stage.SUPERSEDED
    assert not placed.jobs.alive, "its job goes on, and nobody knows"
