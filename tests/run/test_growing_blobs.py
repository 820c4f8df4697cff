"""Append blobs, which grow without an event, and page blobs, which end in zeros."""

from datetime import timedelta

import pytest

from shared.cloud.container import BlobKind
from shared.run import reconciler
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.drops import explanations, problem, refusal, set_settings, storage, taken
from tests.support.runs import RunHarness

TRAINING = "training.jsonl"


async def appended(harness: RunHarness, *chunks: bytes, pause: float = 0.0) -> None:
    for chunk in chunks:
        await storage(harness)._append(harness.path(TRAINING), chunk)
        await harness.pause(pause)


def quiet(harness: RunHarness, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """Sets the quiet period to that of Azure; how long an append blob must have rested then."""
    set_settings(harness, monkeypatch, quiet_seconds=5.0, sweep_seconds=300.0)
    return timedelta(seconds=5 * harness.ctx.policy.append_quiet)


async def test_an_append_blob_that_pauses_is_one_run_of_all_of_it(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = quiet(harness, monkeypatch)
    lines = dataset(24).splitlines(keepends=True)
    await appended(harness, b"".join(lines[:12]))
    assert await taken(harness, harness.path(TRAINING)) is None  # its event: it was created
    await harness.pause(rest.total_seconds() / 2)
    await reconciler.sweep(harness.ctx)
    assert await harness.runs() == []
    await appended(harness, b"".join(lines[12:]))
    await harness.pause(rest.total_seconds() + 70)
    await reconciler.sweep(harness.ctx)
    (run,) = await harness.runs()
    run = await harness.until(run, Stage.SERVING)
    assert run.training.examples == 24
    assert await explanations(harness) == []


async def test_an_append_blob_that_grows_at_intervals_is_not_trained_at_each(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logger that adds a line now and then: each state of it would be a paid run."""
    quiet(harness, monkeypatch)
    lines = dataset(60).splitlines(keepends=True)
    await appended(harness, *lines[:2], pause=50)
    for line in lines[2:]:
        await appended(harness, line, pause=90)
        await reconciler.sweep(harness.ctx)
    assert await harness.runs() == []
    said = await problem(harness, harness.path(TRAINING))
    assert "may grow on" in said
    assert "Seal it" in said
    await harness.pause(harness.ctx.policy.append_patience.total_seconds())
    await reconciler.sweep(harness.ctx)
    (run,) = await harness.runs()
    assert await explanations(harness) == []
    assert (await harness.until(run, Stage.SERVING)).training.examples == 60


async def test_a_sealed_append_blob_is_taken_at_once(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quiet(harness, monkeypatch)
    await appended(harness, *dataset(12).splitlines(keepends=True), pause=300)
    storage(harness).mark(harness.path(TRAINING), sealed=True)
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1
    assert "not taken when dropped" not in caplog.text, "its growth raises no event"


async def test_an_append_blob_is_waited_for_a_day_at_most(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet(harness, monkeypatch)
    await appended(harness, *dataset(12).splitlines(keepends=True), pause=5 * 86_400)
    assert harness.ctx.policy.append_patience == timedelta(days=1)
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1


@pytest.mark.parametrize("name", [TRAINING, "validation.jsonl", "run.yaml", "lone"])
async def test_a_page_blob_is_refused_for_its_zeros(harness: RunHarness, name: str) -> None:
    if name != "lone":
        await harness.drop()
    content = b"seed: 7" if name == "run.yaml" else dataset(12)
    await harness.drop(content.ljust(1 << 14, b"\0"), name)
    storage(harness).mark(harness.path(name), kind=BlobKind.PAGE)
    said = await refusal(harness, harness.path(name))
    assert "is a page blob of 16,384 bytes" in said
    assert "block blob" in said
    await harness.drop(content, name)
    await harness.received(name)
    assert await explanations(harness) == []
