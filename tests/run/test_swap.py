"""What was reviewed is what is trained: no other content comes to a run, by whatever way."""

import hashlib
import json
from collections.abc import AsyncIterator

import pytest

from shared.cloud.documents import as_json
from shared.cloud.memory_container import MemoryContainer
from shared.run import ids, intake, reconciler
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.drops import refusal
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService

GOOD, BAD = dataset(12, "Check the limit first"), dataset(12, "Ignore the limits")
MANUAL = b"start: manual\n"


@pytest.fixture
def one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had found two datasets with one id: an id of no bits at all."""
    monkeypatch.setattr(ids, "run_id", lambda model, digest: f"{model}-{'0' * 32}")


async def reviewed(harness: RunHarness, name: str = "training.jsonl") -> Run:
    """A run whose report a person has read, and that waits for their start."""
    await harness.drop(MANUAL, "run.yaml")
    await harness.drop(GOOD if name != "lone" else dataset(40, "Check first"), name)
    return await harness.until(await harness.received(name), Stage.READY)


def sent(service: ServiceControl) -> list[bytes]:
    assert isinstance(service, MemoryService)
    return [file.content for file in service.files.values() if file.purpose == "fine-tune"]


# ---- two contents are never one run


@pytest.mark.usefixtures("one_id")
async def test_other_content_with_the_id_of_a_run_is_refused_and_the_run_stays_as_it_is(
    harness: RunHarness,
) -> None:
    run = await reviewed(harness)
    before = await records(harness)
    await harness.drop(BAD)
    problem = await refusal(harness, harness.path("training.jsonl"))
    assert "has the same id and is made of other content" in problem
    assert await records(harness) == before
    assert (await harness.known(run.id)).training == run.training


async def records(harness: RunHarness) -> dict[str, str]:
    """What is stored of runs, but for notes: a drop was seen or refused, a run is active."""
    blobs = [blob async for blob in harness.ctx.clients.runs.list()]
    notes = ("drops/", "refusals/", "active/")
    return {blob.name: blob.etag for blob in blobs if not blob.name.startswith(notes)}


@pytest.mark.usefixtures("one_id")
async def test_the_swap_is_not_trained_under_the_report_of_another(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await reviewed(harness)
    await harness.drop(BAD)
    await refusal(harness, harness.path("training.jsonl"))
    run = await harness.command(run, Action.START)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SUPERSEDED
    assert sent(service) == []
    assert service.jobs_of(run.id) == []


@pytest.mark.usefixtures("one_id")
async def test_other_settings_with_the_id_of_a_run_are_refused(harness: RunHarness) -> None:
    await reviewed(harness)
    await harness.drop(b"start: auto\nseed: 7\n", "run.yaml")
    await harness.drop(GOOD)
    assert "other content or settings" in await refusal(harness, harness.path("training.jsonl"))
    (run,) = await harness.runs()
    assert run.spec.start == "manual"


@pytest.mark.usefixtures("one_id")
async def test_a_refusal_stays_beside_its_drop_whatever_event_comes_and_is_not_tried_for_ever(
    harness: RunHarness,
) -> None:
    await reviewed(harness)
    await harness.drop_without_event(BAD)
    problem = await refusal(harness, harness.path("training.jsonl"))
    async with harness.ctx.with_copies() as ctx:
        assert await intake.take(harness.path("run.yaml"), ctx) is None  # its event, late
    kept = await harness.ctx.clients.datasets.read(harness.path("training.jsonl.problem.txt"))
    assert kept
    assert kept.data.decode() == problem
    await reconciler.sweep(harness.ctx)
    again = await harness.ctx.clients.datasets.read(harness.path("training.jsonl.problem.txt"))
    assert again
    assert again.etag == kept.etag


@pytest.mark.usefixtures("one_id")
async def test_a_refusal_goes_when_what_it_is_about_is_mended(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reviewed(harness)
    await harness.drop(BAD)
    await refusal(harness, harness.path("training.jsonl"))
    monkeypatch.undo()
    await harness.drop(BAD + GOOD)
    await harness.received()
    beside = harness.path("training.jsonl.problem.txt")
    assert await harness.ctx.clients.datasets.read(beside) is None


async def test_a_record_of_the_same_digest_and_other_files_is_not_pointed_elsewhere(
    harness: RunHarness,
) -> None:
    """The digest that is kept is not believed against the files that are kept beside it."""
    await harness.drop(GOOD)
    run = await harness.received()
    other = run.training.replace(sha256="0" * 64)
    await harness.rewrite(run, training=other)
    await harness.drop(GOOD)
    assert "It stays as it is" in await refusal(harness, harness.path("training.jsonl"))
    assert (await harness.known(run.id)).training == other


async def test_a_run_keeps_the_whole_digest_and_its_id_begins_it(harness: RunHarness) -> None:
    await harness.drop(GOOD)
    run = await harness.received()
    assert run.digest == ids.digest(run.training, run.validation, run.spec)
    assert run.id == f"{harness.model}-{run.digest[:32]}"


# ---- records from before the digest was kept


async def as_before(harness: RunHarness, run: Run) -> Run:
    """The run as an earlier version has kept it: under a short id, without digests."""
    old = run.replace(id=ids.earlier_id(run.model, run.digest))
    told = json.loads(as_json(old))
    del told["digest"], told["training"]["content_sha256"]
    runs = harness.ctx.clients.runs
    async for blob in runs.list():
        await runs.delete(blob.name)
    await runs.put(f"{old.id}/run.json", json.dumps(told).encode(), "application/json")
    await runs.put(f"active/{old.id}", b"", "text/plain")
    return await harness.known(old.id)


async def test_a_run_of_before_goes_on_and_knows_its_own_content(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await as_before(harness, await reviewed(harness))
    assert run.digest == ""
    await harness.drop(GOOD)
    assert (await harness.received()).id == run.id
    await harness.command(run, Action.START)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.content_sha256 == hashlib.sha256(GOOD).hexdigest()


async def test_other_content_is_another_run_although_its_short_id_is_that_of_before(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """48 bits are found in minutes: they never decide."""
    monkeypatch.setattr(ids, "earlier_id", lambda model, digest: f"{model}-{'0' * 12}")
    old = await as_before(harness, await reviewed(harness))
    await harness.drop(BAD)
    new = await harness.received()
    assert new.id != old.id
    assert (await harness.known(old.id)).training == old.training


# ---- what is read is compared with what was dropped


@pytest.mark.parametrize("name", ["training.jsonl", "lone"])
async def test_bytes_that_were_not_judged_are_not_sent(
    harness: RunHarness, service: ServiceControl, name: str
) -> None:
    run = await reviewed(harness, name)
    content = BAD if name != "lone" else dataset(40, "Ignore the limits")
    await harness.ctx.clients.datasets.put(run.training.name, content, "")
    blob = await harness.ctx.clients.datasets.info(run.training.name)
    assert blob
    files = [file.replace(etag=blob.etag) for file in run.files]
    run = await harness.rewrite(run, **dict(zip(("training", "validation"), files, strict=False)))
    run = await harness.until(await harness.command(run, Action.START), *ENDS)
    assert run.stage is Stage.SUPERSEDED
    assert run.failure
    assert "does not have the bytes that this run was made of" in run.failure.message
    assert sent(service) == []


@pytest.mark.parametrize("name", ["training.jsonl", "lone"])
async def test_bytes_that_are_not_the_runs_get_no_report(harness: RunHarness, name: str) -> None:
    good, bad = dataset(40, "Check first"), dataset(40, "Ignore the limits")
    await harness.drop(good, name)
    run = await harness.received(name)
    await harness.ctx.clients.datasets.put(run.training.name, bad, "")
    blob = await harness.ctx.clients.datasets.info(run.training.name)
    assert blob
    files = [file.replace(etag=blob.etag) for file in run.files]
    await harness.rewrite(run, **dict(zip(("training", "validation"), files, strict=False)))
    await reconciler.advance(run.id, harness.ctx)
    run = await harness.known(run.id)
    assert run.stage is Stage.SUPERSEDED
    assert await harness.ledger.document(run.id, "report.json") is None


async def test_a_byte_lost_on_the_way_is_read_again(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the dropper's fault: the blob is right, and the next look finds it so."""
    run = await reviewed(harness)
    stream = MemoryContainer.stream
    lost = 0

    async def torn(self: MemoryContainer, name: str, etag: str) -> AsyncIterator[bytes]:
        nonlocal lost
        async for chunk in stream(self, name, etag):
            lost += 1
            yield chunk[:-1] if lost == 1 else chunk

    monkeypatch.setattr(MemoryContainer, "stream", torn)
    run = await harness.until(await harness.command(run, Action.START), *ENDS)
    assert lost > 1
    assert run.stage is Stage.SERVING, run.failure


async def test_a_side_that_is_split_otherwise_than_it_was_judged_is_not_sent(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await reviewed(harness, "lone")
    judged = run.training.replace(content_sha256="0" * 64)
    run = await harness.rewrite(run, training=judged)
    run = await harness.until(await harness.command(run, Action.START), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "the check has judged 0000" in run.failure.message
    assert sent(service) == []
    await harness.drop(dataset(40, "Check first"), "lone")
    run = await harness.until(await harness.received("lone"), Stage.READY)
    run = await harness.until(await harness.command(run, Action.START), *ENDS)
    assert run.stage is Stage.SERVING, run.failure


@pytest.mark.parametrize("split", ["the same", "another"])
async def test_a_split_that_an_older_record_was_reviewed_with_is_the_one_that_is_sent(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    """It waits for its start while the app is renewed: its record has no digests of its sides."""
    run = await reviewed(harness, "lone")
    report = json.loads(await harness.ledger.document(run.id, "report.json") or b"")
    await without_digests(harness, run)
    if split == "another":
        monkeypatch.setattr("shared.run.copies.SEED", 1)
    run = await harness.until(await harness.command(run, Action.START), *ENDS)
    assert run.stage is (Stage.SERVING if split == "the same" else Stage.FAILED)
    if split == "the same":
        digests = [file["sha256"] for file in report["files"]]
        assert [file.content_sha256 for file in run.files] == digests
        return
    assert sent(service) == []
    await harness.drop(dataset(40, "Check first"), "lone")
    run = await harness.until(await harness.received("lone"), Stage.READY)
    assert (
        await harness.until(await harness.command(run, Action.START), *ENDS)
    ).stage is Stage.SERVING


@pytest.mark.parametrize("report", [b"", b"[]", b'{"files": [{}]}', b'{"files": []}'])
async def test_a_split_that_nothing_tells_of_is_not_sent(
    harness: RunHarness, service: ServiceControl, report: bytes
) -> None:
    run = await reviewed(harness, "lone")
    await without_digests(harness, run)
    await harness.ledger.keep(run.id, "report.json", report, "application/json")
    run = await harness.until(await harness.command(run, Action.START), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "what is not known" in run.failure.message
    assert sent(service) == []


async def without_digests(harness: RunHarness, run: Run) -> None:
    assert run.validation
    training, validation = (file.replace(content_sha256=None) for file in run.files)
    await harness.rewrite(run, training=training, validation=validation)
