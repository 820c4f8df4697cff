"""One digest leads from the report to the file at the service, its job and the version."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from shared.run import jobs
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Event, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.harness import on_both
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService

GOOD, BAD = dataset(12, "Check the limit first"), dataset(12, "Ignore the limits")


async def reviewed(harness: RunHarness) -> Run:
    """A run whose report a person has read, and that waits for their start."""
    await harness.drop(b"start: manual\n", "run.yaml")
    await harness.drop(GOOD)
    return await harness.until(await harness.received(), Stage.READY)


@on_both
@pytest.mark.parametrize("name", ["training.jsonl", "lone"])
async def test_one_digest_leads_from_the_report_to_the_service_and_the_version(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[Any] = []
    request = jobs.request

    def noted(run: Run, ctx: Any) -> Any:
        asked.append(request(run, ctx))
        return asked[-1]

    monkeypatch.setattr(jobs, "request", noted)
    uploads: list[bytes] = []
    upload = harness.ctx.clients.finetuning.upload

    async def watched(name: str, content: Any) -> Any:
        uploads.append(content.read())
        content.seek(0)
        return await upload(name, content)

    monkeypatch.setattr(harness.ctx.clients.finetuning, "upload", watched)
    await harness.drop(dataset(40, harness.model), name)
    if name != "lone":
        await harness.drop(dataset(12, "Aye"), "validation.jsonl")
    run = await harness.until(await harness.received(name), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    report = json.loads(await harness.ledger.document(run.id, "report.json") or b"")
    digests = [file["sha256"] for file in report["files"]]
    assert [hashlib.sha256(content).hexdigest() for content in uploads] == digests
    assert [file.content_sha256 for file in run.files] == digests
    told = asked[0].metadata
    assert told["tunedrop_training_sha256"] == digests[0]
    assert told["tunedrop_validation_sha256"] == digests[1]
    model = await harness.ctx.registry.load(run.model)
    assert model
    assert model.version(1).training_sha256 == digests[0]


async def test_a_job_of_other_data_is_not_the_runs_and_one_that_tells_none_is(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    assert isinstance(service, MemoryService)
    job = service.jobs[str(run.job_id)]
    found = await jobs.find(run, harness.ctx)
    assert found
    assert found.id == job.id
    known = job.request.metadata
    for digests, ours in (({}, True), ({"tunedrop_training_sha256": "0" * 64}, False)):
        kept = {key: value for key, value in known.items() if not key.endswith("_sha256")}
        job.request = replace(job.request, metadata=kept | digests)
        assert (await jobs.find(run, harness.ctx) is not None) is ours


async def test_a_file_of_the_runs_name_and_another_size_is_not_adopted(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await reviewed(harness)
    name = f"{run.id}-1-training.jsonl"
    service.add_file(name, BAD[:-1])
    run = await harness.until(await harness.command(run, Action.START), Stage.TRAINING)
    assert isinstance(service, MemoryService)
    assert service.files[str(run.training.file_id)].content == GOOD
    run = await harness.until(run, Stage.SERVING)
    await harness.until_inactive()
    assert service.files_of(run.id) == []  # also the one that was not adopted


async def test_a_file_left_before_a_crash_is_adopted_and_not_sent_again(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await reviewed(harness)
    left = service.add_file(f"{run.id}-1-training.jsonl", GOOD)
    before = service.calls()
    run = await harness.until(await harness.command(run, Action.START), Stage.TRAINING)
    assert run.training.file_id == left
    assert service.uploads(before) == 0


def test_what_replaces_a_file_has_no_way_into_a_reviewed_run() -> None:
    """The stages from which a replaced file ends the run: all in which its bytes are still read."""
    from shared.run.stages import TRANSITIONS

    ends = {stage for stage, event in TRANSITIONS if event is Event.FILES_REPLACED}
    assert ends == {Stage.RECEIVED, Stage.READY, Stage.CHECKED}
