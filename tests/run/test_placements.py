"""The same content is one paid job, whatever placement it is dropped in."""

import pytest

from shared.errors import NotSent
from shared.run import placements, reconciler
from shared.run.context import Context
from shared.run.outcome import Outcome
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.dataset.builders import line, varied
from tests.support.datasets import dataset
from tests.support.deploying import memory
from tests.support.drops import storage
from tests.support.runs import RunHarness

ALIKE = b"".join(  # of which nothing can be held out
    line({"messages": [{"role": "user", "content": "Write a post."}, varied(n)["messages"][1]]})
    for n in range(40)
)
ORDERS = [("lone", "training.jsonl"), ("training.jsonl", "lone", "training_2.jsonl")]


async def served(harness: RunHarness, name: str, content: bytes) -> Run:
    await harness.pause(60)
    await harness.drop(content, name)
    return await harness.until(await harness.received(name), *ENDS)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("content", [ALIKE, dataset(12)])
async def test_one_job_for_the_same_content_in_any_placement(
    harness: RunHarness, order: tuple[str, ...], content: bytes
) -> None:
    for name in (*order, *order):
        run = await served(harness, name, content)
        assert run.stage is Stage.SERVING or run.failure
    assert len(memory(harness).jobs) == 1
    serving = [run for run in await harness.runs() if run.stage is Stage.SERVING]
    assert len(serving) == 1
    for other in [run for run in await harness.runs() if run not in serving]:
        assert other.stage is Stage.SUPERSEDED
        assert other.failure
        assert f"The run {serving[0].id} trains the same bytes" in other.failure.message
        assert f"tunedrop deploy {serving[0].id}" in other.failure.fix


@pytest.mark.parametrize("lone_first", [True, False])
async def test_a_validation_set_equal_to_what_is_held_out_is_the_same(
    harness: RunHarness, lone_first: bool
) -> None:
    whole = b"".join(line(varied(number)) for number in range(40))
    trained, held_out = await split(harness, whole)

    async def folder() -> None:
        await harness.drop(held_out, "validation.jsonl")
        await served(harness, "training.jsonl", trained)
        await storage(harness).delete(harness.path("validation.jsonl"))
        await storage(harness).delete(harness.path("training.jsonl"))

    for is_lone in (lone_first, not lone_first):
        if is_lone:
            await served(harness, "lone", whole)
        else:
            await folder()
    assert len(await harness.runs()) == 2
    assert len(memory(harness).jobs) == 1


async def split(harness: RunHarness, whole: bytes) -> tuple[bytes, bytes]:
    await harness.drop(whole, "lone")
    async with harness.ctx.with_copies() as ctx:
        datasets, name = ctx.clients.datasets, harness.path("lone")
        blob = await datasets.info(name)
        assert blob
        sha256 = await datasets.sha256(blob)
        sides = await ctx.copies.sides(datasets, name, blob.etag, sha256)
        assert sides.validation
        return sides.training.read_bytes(), sides.validation.read_bytes()


async def both(harness: RunHarness) -> list[Run]:
    """Two placements of the same, dropped one right after the other."""
    runs = []
    for name in ("lone", "training.jsonl"):
        await harness.drop(ALIKE, name)
        runs.append(await harness.received(name))
        await harness.pause(2)
    return runs


async def kept_from_a_job(harness: RunHarness) -> list[Run]:
    """Both, checked; the account takes no job. The one that asks comes first."""
    harness.service.configure(queue_limit=0)
    runs = await both(harness)
    for _ in range(4):
        await harness.tick()
        await harness.pause(60)
    runs = [await harness.known(run.id) for run in runs]
    return sorted(runs, key=lambda run: run.stage is not Stage.SUBMITTING)


async def ended(harness: RunHarness, runs: list[Run]) -> list[Stage]:
    return sorted([(await harness.until(run, *ENDS)).stage for run in runs])


async def test_two_under_way_at_once_have_one_job(harness: RunHarness) -> None:
    runs = await both(harness)
    assert await ended(harness, runs) == [Stage.SERVING, Stage.SUPERSEDED]
    assert len(memory(harness).jobs) == 1


async def test_the_other_goes_on_where_the_first_comes_to_no_job(harness: RunHarness) -> None:
    first, other = await kept_from_a_job(harness)
    assert not other.ended
    await harness.until(await harness.command(first, Action.CANCEL), Stage.CANCELLED)
    harness.service.configure(queue_limit=100)
    assert (await harness.until(other, *ENDS)).stage is Stage.SERVING
    assert len(memory(harness).jobs) == 1


async def test_of_two_that_ask_at_once_none_sends(harness: RunHarness) -> None:
    runs = [
        await harness.rewrite(run, stage=Stage.SUBMITTING, asked_at=harness.ctx.now())
        for run in await kept_from_a_job(harness)
    ]
    for run in runs:
        with pytest.raises(NotSent):
            await placements.check_alone(run, harness.ctx)
    harness.service.configure(queue_limit=100)
    assert await ended(harness, runs) == [Stage.SERVING, Stage.SUPERSEDED]
    assert len(memory(harness).jobs) == 1


async def test_other_training_of_the_same_bytes_is_another_job(harness: RunHarness) -> None:
    await served(harness, "lone", ALIKE)
    await harness.drop(b"seed: 3\n", "run.yaml")
    run = await served(harness, "training.jsonl", ALIKE)
    assert run.stage is Stage.SERVING
    assert len(memory(harness).jobs) == 2


async def test_one_that_asks_in_between_keeps_the_other_from_sending(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = await kept_from_a_job(harness)
    harness.service.configure(queue_limit=100)
    look = placements.before_asking

    async def overtaken(run: Run, ctx: Context) -> Outcome | None:
        had = await look(run, ctx)
        await harness.rewrite(other, stage=Stage.SUBMITTING, asked_at=ctx.now())
        return had

    with monkeypatch.context() as racing:
        racing.setattr(placements, "before_asking", overtaken)
        await reconciler.advance(first.id, harness.ctx)
    assert memory(harness).jobs == {}
    assert await ended(harness, [first, other]) == [Stage.SERVING, Stage.SUPERSEDED]
    assert len(memory(harness).jobs) == 1


async def test_a_rejected_run_is_checked_again_when_it_is_dropped_again(
    harness: RunHarness,
) -> None:
    """An earlier version of the app may have rejected it for what is no error any more."""
    await harness.drop(ALIKE, "lone")
    run = await harness.until(await harness.received("lone"), Stage.CHECKED, Stage.SERVING)
    run = await harness.rewrite(run, stage=Stage.REJECTED, job_id=None, fine_tuned_model=None)
    again = await served(harness, "lone", ALIKE)
    assert (again.id, again.stage, again.attempt) == (run.id, Stage.SERVING, run.attempt + 1)
