"""Names of dropped blobs that are long, that cannot be asked for, or that steer a terminal."""

import logging

import pytest

from shared.cloud.container import LONGEST_NAME, Container
from shared.cloud.memory_container import MemoryContainer
from shared.cloud.remote import readable
from shared.errors import DropError
from shared.run import reconciler
from shared.run.folder import PROBLEM, look_everywhere, problem_name
from tests.support.datasets import dataset
from tests.support.drops import problem, refusal, taken
from tests.support.runs import RunHarness

TUNED = "gpt-4.1-nano-2025-04-14.ft-0123456789abcdef-other"


async def unexplained(datasets: Container) -> list[str]:
    """What a sweep would try again."""
    found = await look_everywhere(datasets)
    assert found.folders == []
    return [blob.name for blob in found.strange if not found.is_explained(blob)]


# ---- names that are long, or that steer a terminal


@pytest.mark.parametrize("length", [1012, 1013, 1024])
@pytest.mark.parametrize("letter", ["x", "ä", "😀"])
async def test_a_name_of_any_length_gets_its_explanation(
    harness: RunHarness, length: int, letter: str
) -> None:
    twice = len(letter.encode("utf-16-le")) == 4  # storage counts it twice
    count = (length - 8) // (2 if twice else 1)
    path = f"{harness.model[:2]}/{letter * count}".ljust(length - (count if twice else 0), "y")
    await harness.ctx.clients.datasets.put(path, b"{}", "")
    assert "Nothing is known to do with" in await refusal(harness, path)
    beside = problem_name(path)
    assert len(beside.encode("utf-16-le")) // 2 <= LONGEST_NAME
    assert beside.startswith(f"{harness.model[:2]}/")  # a dropper lists their folder
    assert await taken(harness, beside) is None  # it is no drop
    assert await unexplained(harness.ctx.clients.datasets) == []


async def test_the_explanation_of_a_long_name_goes_when_it_is_taken(harness: RunHarness) -> None:
    name = f"train{'x' * 1000}.jsonl"
    await harness.drop(name=name)
    await harness.drop(b"nonsense: 1", "run.yaml")
    beside = problem_name(harness.path(name))
    assert beside != f"{harness.path(name)}{PROBLEM}"
    await harness.ctx.clients.datasets.put(beside, b"It is tried again.", "")
    assert await taken(harness, harness.path(name)) is None
    assert await problem(harness, harness.path(name)) == ""
    await harness.drop(b"seed: 1", "run.yaml")
    assert await taken(harness, harness.path(name))


def test_two_long_names_have_two_explanations() -> None:
    names = {problem_name("m/" + "x" * 1018 + end) for end in "abc"}
    assert len(names) == 3


@pytest.mark.parametrize("path", ["m/../training.jsonl", "..", "m/./x"])
async def test_a_name_that_cannot_be_asked_for_is_explained_and_not_tried_for_ever(
    harness: RunHarness, path: str
) -> None:
    datasets = harness.ctx.clients.datasets
    assert isinstance(datasets, MemoryContainer)
    datasets._write(path, b"{}")
    assert await taken(harness, path) is None
    assert await problem(harness, path)
    assert await unexplained(datasets) == []


@pytest.mark.parametrize("character", ["\x1b", "\r", "\n", "\x9b", "\u202e", "\x00"])
async def test_a_name_cannot_steer_the_terminal_that_shows_it(
    harness: RunHarness, caplog: pytest.LogCaptureFixture, character: str
) -> None:
    caplog.set_level(logging.INFO)
    training = f"train{character}[31m.jsonl"
    strange = f"{harness.model}/notes{character}[31m.txt"
    await harness.ctx.clients.datasets.put(strange, b"x", "")
    await harness.drop_without_event(dataset(11, harness.model), training)
    await reconciler.sweep(harness.ctx)
    assert await harness.runs() == [], "it is refused"
    shown = [*caplog.messages]
    for path in (strange, harness.path(training), f"{harness.model}{character}.jsonl"):
        await harness.ctx.clients.datasets.put(path, b"{}", "")
        shown.append(await refusal(harness, path))
        assert "control character" in shown[-1]
    assert not [text for text in shown if character in text.rstrip("\n")]
    assert any("\\u" in text for text in shown)


def test_no_error_steers_the_terminal_whatever_it_names() -> None:
    error = DropError("train\x1b[31m\n.jsonl \ud83d", "Rename \x9b it.")
    assert all(text.isprintable() for text in (error.message, error.fix, str(error)))
    str(error).encode()


def test_what_the_service_says_is_one_line_that_can_be_shown() -> None:
    said = "The file\r\n  train\x1b[31m.jsonl\tcannot be read\ud83d."
    assert readable(said) == "The file train\\u001b[31m.jsonl cannot be read\\ud83d."
    assert readable(None) == ""


async def test_a_folder_of_many_files_does_not_fill_the_runs_log(harness: RunHarness) -> None:
    for number in range(40):
        await harness.drop(dataset(10), f"train-{number:02}.jsonl")
    run = await harness.received("train-00.jsonl")
    (line,) = await harness.messages(run, "drop")
    assert line.count(".jsonl") == 10
    assert line.endswith("and 29 more")


async def test_the_summary_of_a_check_names_a_file_without_steering(harness: RunHarness) -> None:
    """Of a run whose drop was taken when such names were."""
    await harness.drop()
    run = await harness.received()
    odd = run.training.replace(name=harness.path("train\x9b31m.jsonl"))
    await harness.drop(name="train\x9b31m.jsonl")
    blob = await harness.ctx.clients.datasets.info(odd.name)
    assert blob
    run = await harness.rewrite(run, training=odd.replace(etag=blob.etag))
    await reconciler.advance(run.id, harness.ctx)
    (line,) = await harness.messages(run, "check")
    assert "train\\u009b31m.jsonl" in line
    assert "\x9b" not in line
