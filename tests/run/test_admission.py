"""What a drop may be: sizes and names that are refused before anything is read, with a sentence
where the dropper looks."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.catalog import facts
from shared.cloud.container import BlobInfo
from shared.cloud.memory_container import MemoryContainer
from shared.errors import DropError
from shared.run import reconciler, run_yaml
from shared.run.admission import check_dataset_size
from shared.run.folder import problem_name
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.drops import problem, refusal, set_settings, taken
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY

TUNED = "gpt-4.1-nano-2025-04-14.ft-0123456789abcdef-other"


# ---- sizes, from the listing


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Sizes that a listing tells, by the blob's name; such a blob is never read."""
    sizes: dict[str, int] = {}
    listed, info, stream = MemoryContainer.list, MemoryContainer.info, MemoryContainer.stream

    async def list_larger(self: MemoryContainer, prefix: str = "") -> Any:
        async for blob in listed(self, prefix):
            yield replace(blob, size=sizes.get(blob.name, blob.size))

    async def info_larger(self: MemoryContainer, name: str) -> BlobInfo | None:
        blob = await info(self, name)
        return replace(blob, size=sizes.get(name, blob.size)) if blob else None

    async def unread(self: MemoryContainer, name: str, etag: str) -> Any:
        assert name not in sizes, f"{name} was read"
        async for chunk in stream(self, name, etag):
            yield chunk

    monkeypatch.setattr(MemoryContainer, "list", list_larger)
    monkeypatch.setattr(MemoryContainer, "info", info_larger)
    monkeypatch.setattr(MemoryContainer, "stream", unread)
    return sizes


async def test_a_run_yaml_that_is_too_large_is_refused_unread(
    harness: RunHarness, large: dict[str, int]
) -> None:
    await harness.drop()
    await harness.drop(b"start: manual", "run.yaml")
    large[harness.path("run.yaml")] = 400_000_000
    assert await taken(harness, harness.path("training.jsonl")) is None
    assert await harness.runs() == []
    said = await problem(harness, harness.path("run.yaml"))
    assert "400,000,000 bytes" in said
    assert f"{run_yaml.LARGEST:,}" in said


async def test_a_run_yaml_of_the_largest_size_is_read(harness: RunHarness) -> None:
    await harness.drop()
    text = b"seed: 1\n# "
    await harness.drop(text + b"x" * (run_yaml.LARGEST - len(text)), "run.yaml")
    assert (await harness.received()).spec.seed == 1


@pytest.mark.parametrize("name", ["training.jsonl", "validation.jsonl", "lone"])
async def test_a_dataset_over_the_services_limit_is_refused_unread(
    harness: RunHarness, large: dict[str, int], name: str
) -> None:
    await harness.drop(dataset(30))
    await harness.drop(dataset(30), name)
    if name == "lone":
        await harness.ctx.clients.datasets.delete(harness.path("training.jsonl"))
    large[harness.path(name)] = 2 * facts.FILES.largest_file
    said = await refusal(harness, harness.path(name))
    assert "1,024,000,000 bytes" in said
    assert f"{facts.FILES.largest_file:,}" in said


async def test_a_dataset_of_the_services_limit_is_taken_and_a_lone_one_of_both_sides_too(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = dataset(40, harness.model)
    limit = len(content)
    files = facts.FILES._replace(largest_file=limit)
    monkeypatch.setattr(facts, "FILES", files)
    await harness.drop(content)
    assert await harness.received()
    monkeypatch.setattr(facts, "FILES", files._replace(largest_file=int(limit * 0.9) + 1))
    lone = f"{harness.model}-lone.jsonl"
    await harness.ctx.clients.datasets.put(lone, content, "")
    assert await taken(harness, lone)
    monkeypatch.setattr(facts, "FILES", files._replace(largest_file=int(limit * 0.9) - 2))
    await harness.ctx.clients.datasets.put(lone, content, "")
    assert await taken(harness, lone) is None


@pytest.mark.parametrize(("split", "most"), [(False, 512_000_000), (True, 568_888_888)])
def test_a_byte_more_than_the_service_takes_is_too_much(split: bool, most: int) -> None:
    """Of a dataset that is split, nine tenths must fit."""
    blob = BlobInfo("m/training.jsonl", "1", most, datetime(2026, 11, 1, tzinfo=UTC))
    check_dataset_size(blob, split=split)
    with pytest.raises(DropError, match=f"has {most + 1:,} bytes; the service takes"):
        check_dataset_size(replace(blob, size=most + 1), split=split)


def test_a_run_yaml_a_byte_too_large_is_too_large() -> None:
    run_yaml.check_size(64_000)
    with pytest.raises(DropError, match="64,001 bytes"):
        run_yaml.check_size(64_001)


# ---- names that the app keeps for itself


@pytest.mark.parametrize(
    "path", ["tunedrop-doctor/training.jsonl", "tunedrop-doctor.jsonl", "tunedrop-doctor/notes.txt"]
)
async def test_what_is_dropped_under_the_doctors_name_is_refused_and_never_deleted(
    harness: RunHarness, path: str
) -> None:
    await harness.ctx.clients.datasets.put(path, dataset(10), "")
    assert "keeps the name tunedrop-doctor for itself" in await refusal(harness, path)
    assert await harness.ctx.clients.datasets.read(path)
    await harness.ctx.clients.datasets.delete(problem_name(path))
    await reconciler.sweep(harness.ctx)  # its event was lost
    assert await harness.ctx.clients.datasets.read(path)
    assert await problem(harness, path)


@pytest.mark.parametrize("canary", ["tunedrop-doctor/0a1b2c3d", "tunedrop-doctor/rights-0a1b2c3d"])
async def test_the_doctors_canary_is_taken_away(harness: RunHarness, canary: str) -> None:
    await harness.ctx.clients.datasets.put(canary, b"canary", "")
    assert await taken(harness, canary) is None
    assert [blob async for blob in harness.ctx.clients.datasets.list()] == []


async def test_a_model_does_not_take_the_name_of_an_untuned_one(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chats with that name go to the untuned one: what was paid for could not be used."""
    set_settings(harness, monkeypatch, base_deployments=(harness.model,))
    await harness.drop()
    assert "TUNEDROP_BASE_DEPLOYMENTS" in await refusal(harness, harness.path("training.jsonl"))


@pytest.mark.parametrize(
    "model",
    [
        "active", "newest", "drops", "reconciler", "health", "wake", "conversations", "ratings",
        "answers", "previous", "candidate", "tunedrop-doctor-probe", "tunedrop-doctors", "models",
        "0123456789ab", "m-0123456789abcdef0123456789abcdef",
    ],
)  # fmt: skip
async def test_no_other_name_of_a_model_gets_in_the_way_of_what_the_app_stores(model: str) -> None:
    harness = RunHarness.in_memory(IN_MEMORY, model)
    other = RunHarness(harness.ctx, f"{model[:37]}-a1", harness.service, harness.clock)
    for one in (harness, other):
        await one.drop(dataset(10, one.model))
    runs = [await one.received() for one in (harness, other)]
    for run in runs:
        assert (await harness.until(run, Stage.SERVING)).version == 1
    await harness.until_inactive()
    assert {run.id for run in await harness.runs()} == {run.id for run in runs}
    assert [run.id async for _, run in harness.ledger.newest(model)] == [runs[0].id]
    named = {found.name for found in await harness.ctx.registry.all()}
    assert named == {harness.model, other.model}
    assert harness.service.files_of("") == []
