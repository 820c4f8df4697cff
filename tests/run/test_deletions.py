"""Delete: the plan first, then all of it or none of it, wherever the app is killed."""

import pytest

from shared.chat.callers import Caller
from shared.chat.routing import Router
from shared.cloud.memory_container import MemoryContainer
from shared.errors import NotFound
from shared.model.deletion import Deletions
from shared.model.redeploy import RedeployRequests
from shared.model.states import Cause
from shared.run import deletion_plan, deletions, reconciler, redeployments
from shared.run.deletion_plan import Target
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.deleting import blobs, left, order, planned, until_gone
from tests.support.runs import RunHarness
from tests.support.served import Versions
from tests.support.settings import IN_MEMORY

ANYBODY = Caller(name="web")


async def test_a_whole_model_goes_and_its_datasets_stay_and_are_not_taken_for_new() -> None:
    made = await Versions.serving(2)
    await made.remembers("chatcmpl-1")
    entered = await order(made, Target("captain"))
    assert entered
    assert entered.waits == deletions.BEGUN
    await until_gone(made)
    assert await left(made) == []
    assert await blobs(made.ctx.clients.datasets) == ["captain/training.jsonl"]
    assert await blobs(made.ctx.clients.feedback) == ["answers/of-another", "trace/2026"]
    await made.harness.ctx.sleep(600)
    await reconciler.tick(made.ctx)
    assert await made.harness.runs() == []
    with pytest.raises(NotFound, match="There is no model captain"):
        await deletion_plan.target_of_model("captain", None, made.ctx)


async def test_datasets_go_where_they_are_asked_for_unless_they_are_newer_than_the_plan() -> None:
    made = await Versions.serving(1)
    entered = await order(made, Target("captain"), datasets=True)
    assert entered
    assert [blob.name for blob in entered.datasets] == ["captain/training.jsonl"]
    await until_gone(made)
    assert await blobs(made.ctx.clients.datasets) == []
    assert await left(made) == []
    other = await Versions.serving(1)
    await order(other, Target("captain"), datasets=True)
    await other.harness.drop(dataset(10, "newer"))
    await until_gone(other)
    assert "captain/training.jsonl" in await blobs(other.ctx.clients.datasets)


async def test_a_model_that_is_being_deleted_answers_no_chat_and_takes_no_drop() -> None:
    made = await Versions.serving(2)
    router = Router(made.ctx.registry, (), ())
    assert await router.backends("captain", ANYBODY)
    await order(made, Target("captain"))
    router = Router(made.ctx.registry, (), ())
    for asked in ("captain", "captain@1"):
        with pytest.raises(NotFound, match="captain is being deleted"):
            await router.backends(asked, ANYBODY)
    assert await router.names(ANYBODY) == []
    await made.harness.drop(dataset(10, "newer"))
    async with made.ctx.with_copies() as ctx:
        await reconciler.dataset_dropped("captain/training.jsonl", ctx)
    said = await made.ctx.clients.datasets.read("captain/training.jsonl.problem.txt")
    assert said
    assert b"captain is being deleted" in said.data
    await until_gone(made)
    assert await made.harness.runs() == []
    await made.harness.drop(dataset(10, "newer"))  # and afterwards it is taken
    run = await made.harness.until(await made.harness.received(), Stage.SERVING)
    assert run.version == 1


async def test_a_version_goes_with_its_run_and_the_champion_before_answers() -> None:
    made = await Versions.serving(2)
    target = await deletion_plan.target_of_model("captain", 2, made.ctx)
    assert "captain@1 answers in its place" in (await planned(made, target)).then[0]
    assert await order(made, target)
    model = await made.model()
    assert (model.champion, model.history[-1].cause) == (1, Cause.WITHDRAWN)
    made.clock.advance(5)
    await deletions.process(made.ctx)
    assert "deployments.delete" not in made.service.journal  # chats that have begun are finished
    await until_gone(made)
    model = await made.model()
    assert [version.version for version in model.versions] == [1]
    assert list(made.service.deployments()) == ["captain-v1"]
    assert [run.id for run in await made.harness.runs()] == [made.runs[1].id]
    served = [change.version for change in model.history]
    assert served == [1, 2, 1]  # who served when is known all the same
    third = await made.train()
    assert third.version == 3  # no number is given twice


async def test_the_same_dataset_is_trained_anew_after_its_run_was_deleted() -> None:
    """Its job is still at the service under the same run's id, and its model is gone."""
    made = await Versions.serving(1)
    first = made.runs[1]
    await order(made, await deletion_plan.target_of_run(first.id, made.ctx))
    await until_gone(made)
    made.clock.advance(60)
    await made.harness.drop(dataset(10, voice="captain 1"))
    run = await made.harness.until(await made.harness.received(), Stage.SERVING, Stage.FAILED)
    assert run.id == first.id
    assert run.stage is Stage.SERVING, run.failure
    assert run.job_id != first.job_id
    assert len(made.service.jobs) == 2


async def test_a_run_without_a_version_goes() -> None:
    made = Versions(RunHarness.in_memory(IN_MEMORY, "captain"))
    await made.harness.drop(b"{}\n")
    run = await made.harness.until(await made.harness.received(), Stage.REJECTED)
    await made.harness.until_inactive()
    assert await order(made, await deletion_plan.target_of_run(run.id, made.ctx)) is None
    assert await left(made) == []
    with pytest.raises(NotFound, match="There is no run"):
        await deletion_plan.target_of_run(run.id, made.ctx)


async def test_a_run_that_goes_on_is_cancelled_first_in_the_name_of_who_deletes_it() -> None:
    made = Versions(RunHarness.in_memory(IN_MEMORY, "captain"))
    made.service.configure(step_seconds=600)
    await made.harness.drop()
    run = await made.harness.until(await made.harness.received(), Stage.TRAINING)
    plan = await planned(made, Target("captain"))
    assert "training: it is cancelled first" in next(i.note for i in plan.goes if i.what == "run")
    entered = await order(made, Target("captain"))
    assert entered
    assert entered.waits == f"The run {run.id} is being cancelled."
    assert (await made.harness.log(run))[-1]["who"] == "Ada"
    made.clock.advance(600)
    await until_gone(made)
    assert await left(made) == []
    assert made.service.job_status(str(run.job_id)) == "cancelled"


async def test_a_model_that_the_service_does_not_let_go_is_left_after_a_day() -> None:
    made = await Versions.serving(1)
    made.service.arm("unavailable", "models.delete", count=None)
    await order(made, Target("captain"))
    with pytest.raises(AssertionError):
        await until_gone(made, 10)
    entered = await Deletions(made.ctx.clients.models).of("model/captain")
    assert entered
    assert "models.delete" in entered.waits
    made.clock.advance(24 * 3600)
    await until_gone(made)
    assert await left(made) == [made.runs[1].fine_tuned_model]


async def test_a_new_model_of_that_name_is_not_taken_for_the_old_one() -> None:
    """Killed right before its order was taken away, the app finds a newer model there."""
    made = await Versions.serving(1)
    store = Deletions(made.ctx.clients.models)
    entered = await order(made, Target("captain"))
    assert entered
    await until_gone(made)
    await made.train()
    await store.enter(entered.replace(last=True))
    await deletions.process(made.ctx)
    assert await store.all() == []
    assert (await made.model()).champion == 1
    assert len(await made.harness.runs()) == 1
    assert isinstance(made.ctx.clients.models, MemoryContainer)


async def test_another_models_answer_of_the_same_id_stays() -> None:
    made = await Versions.serving(1)
    await made.remembers("chatcmpl-1")
    feedback = made.ctx.clients.feedback
    await feedback.put("answers/chatcmpl-1", b"captain-two/2026-11-28/10", "text/plain")
    await order(made, Target("captain"))
    await until_gone(made)
    assert "answers/chatcmpl-1" in await blobs(feedback)


async def test_a_fine_tuned_model_is_asked_for_once_its_deployment_has_gone() -> None:
    made = await Versions.serving(1)
    made.service.configure(deleting_seconds=600)
    await order(made, Target("captain"))
    for _ in range(5):
        made.clock.advance(30)
        await deletions.process(made.ctx)
    assert "models.delete" not in made.service.journal
    entered = await Deletions(made.ctx.clients.models).of("model/captain")
    assert entered
    assert entered.waits == "The deployment captain-v1 is being deleted."
    await until_gone(made)
    assert made.service.journal.count("models.delete") == 1


async def test_a_run_that_has_to_wait_does_not_hold_up_the_others() -> None:
    made = await Versions.serving(3)
    first = min(run.id for run in made.runs.values())
    await order(made, Target("captain"))
    await made.ctx.ledger.mark(first)
    async with made.ctx.ledger.claim(first) as claim:
        assert claim
        with pytest.raises(AssertionError):
            await until_gone(made, 12)
        assert [run.id for run in await made.harness.runs()] == [first]
        entered = await Deletions(made.ctx.clients.models).of("model/captain")
        assert entered
        assert entered.waits == f"Another worker is busy with the run {first}."
    await until_gone(made)
    assert await left(made) == []


async def test_a_request_of_a_chat_deploys_nothing_of_what_is_being_deleted() -> None:
    made = await Versions.serving(1)
    await order(made, Target("captain"))
    made.loses(1)
    requests = RedeployRequests(made.ctx.clients.models)
    await requests.add_at_once("captain")
    await redeployments.process(made.ctx)
    assert "deployments.put" not in made.service.journal[-5:]
    assert await requests.requested() == []


async def test_one_look_deletes_so_many_runs_and_the_next_ones_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deletions, "MOST", 2)
    made = Versions(RunHarness.in_memory(IN_MEMORY, "captain"))
    for number in range(5):
        await made.harness.drop(b"{}\n" * (number + 1))
        await made.harness.until(await made.harness.received(), Stage.REJECTED)
        await made.harness.until_inactive()
    entered = await order(made, Target("captain"))
    assert entered
    assert entered.waits == "3 runs have their turn then."
    assert len(await made.harness.runs()) == 3
    await until_gone(made)
    assert await left(made) == []
