"""What nobody meant to drop is left alone: folders, and what desktops, mounts and editors leave."""

from collections.abc import Awaitable, Callable

import pytest

from shared.run import drops, reconciler
from tests.support.datasets import dataset
from tests.support.drops import explanations, refusal, storage, taken
from tests.support.runs import RunHarness

STUBS = ["harbour", "harbour/archive", "harbour/training.jsonl", "harbour.jsonl", "Harbour/1"]
CLUTTER = [
    "marker/", "harbour/", ".DS_Store", "harbour/.DS_Store", "harbour/._training.jsonl",
    "__MACOSX/harbour/._training.jsonl", "harbour/Thumbs.db", "harbour/desktop.ini",
    "harbour/Desktop.ini", "harbour/Icon\r", "harbour/~$training.jsonl", "~$harbour.jsonl",
    "harbour/training.jsonl.part", "harbour/training.jsonl.filepart",
    "harbour/training.jsonl.crdownload", "harbour/training.jsonl.tmp", "harbour.jsonl.partial",
    "harbour/training.jsonl~", "harbour/.training.jsonl.swp", "harbour/.nfs000123",
    "harbour/training.jsonl._COPYING_", "harbour/_SUCCESS", "harbour/_temporary/0/part-0.jsonl",
    "harbour/.ipynb_checkpoints/training-checkpoint.jsonl", ".git/HEAD", "harbour/#training.jsonl#",
    "harbour/@eaDir/training.jsonl", "$RECYCLE.BIN/x.jsonl",
]  # fmt: skip
Delivery = Callable[[RunHarness, str], Awaitable[object]]


async def by_event(harness: RunHarness, path: str) -> None:
    assert await taken(harness, path) is None


async def by_sweep(harness: RunHarness, path: str) -> None:
    await harness.pause(7200)
    await reconciler.sweep(harness.ctx)
    assert await harness.runs() == []


BY_BOTH = pytest.mark.parametrize("delivery", [by_event, by_sweep])


@BY_BOTH
@pytest.mark.parametrize("path", STUBS)
async def test_what_stands_for_a_folder_is_left_alone(
    harness: RunHarness, path: str, delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    await storage(harness).put(path, b"", "")
    storage(harness).mark(path, is_folder=True)
    await delivery(harness, path)
    assert await explanations(harness) == []
    assert caplog.messages == []


@BY_BOTH
@pytest.mark.parametrize("path", CLUTTER)
async def test_what_programs_leave_behind_is_left_alone(
    harness: RunHarness, path: str, delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    await storage(harness).put(path, b"something", "")
    await delivery(harness, path)
    assert await explanations(harness) == []
    assert caplog.messages == []
    assert await storage(harness).read(path), "it is not ours to delete"


@BY_BOTH
@pytest.mark.parametrize("path", ["harbour", "harbour/notes", "notes.txt"])
async def test_an_empty_blob_under_a_name_that_says_nothing_is_left_alone(
    harness: RunHarness, path: str, delivery: Delivery
) -> None:
    """A folder of a client that does not mark it, or the beginning of an upload."""
    await storage(harness).put(path, b"", "")
    await delivery(harness, path)
    assert await explanations(harness) == []


@pytest.mark.parametrize(
    "path",
    [
        "notes.txt", "harbour/notes.txt", "harbour/data.csv", "harbour/training.jsonl/part-0.jsonl",
        "harbour/training.json", "harbour/training.jsonl.gz", "harbour/training.jsonl.bak",
        "Harbour/training.jsonl", "harbour/train.parted", "my.part/training.jsonl", "a.b.jsonl",
    ],
)  # fmt: skip
async def test_what_somebody_meant_to_drop_is_explained(harness: RunHarness, path: str) -> None:
    await storage(harness).put(path, b"something", "")
    assert await refusal(harness, path)


@pytest.mark.parametrize("name", ["tmp.jsonl", "part/training.jsonl", "temp/train.tmp.jsonl"])
async def test_a_dataset_is_no_clutter_whatever_its_name(harness: RunHarness, name: str) -> None:
    await storage(harness).put(name, dataset(12), "")
    assert await taken(harness, name)


async def test_the_stub_of_a_folder_does_not_hide_its_dataset(harness: RunHarness) -> None:
    await harness.drop()
    await harness.pause(2)  # the newest of two is taken
    for path in (harness.model, f"{harness.model}.jsonl", harness.path("validation.jsonl")):
        await storage(harness).put(path, b"", "")
        storage(harness).mark(path, is_folder=True)
    run = await harness.received()
    assert run.validation is None
    assert run.training.name == harness.path("training.jsonl")


async def test_an_event_of_a_blob_that_is_gone_leaves_nothing_behind(harness: RunHarness) -> None:
    assert await refusal(harness, "harbour/notes.txt") == ""
    assert await refusal(harness, harness.path("training.jsonl")) == ""


# ---- names


@pytest.mark.parametrize(
    "path", ["m/train\x01.jsonl", "m/val\u202e.jsonl", "m\x7f.jsonl", "m/training.jsonl\n"]
)
async def test_a_control_character_in_a_name_is_refused_and_written_out(
    harness: RunHarness, path: str
) -> None:
    await storage(harness).put(path, dataset(12), "")
    said = await refusal(harness, path)
    assert "control character" in said
    assert said.rstrip("\n").isprintable()
    assert "\\u0" in said or "\\u202e" in said
    await harness.pause(7200)
    due = await drops.due(harness.ctx)
    assert (due.missed, due.waited) == ([], []), "it is told and not tried again"
