"""What a person should know of a run although it goes on: in its record, its log and its report."""

import json

from shared.run import reconciler
from shared.run.notices import notices
from shared.run.record import Share
from shared.run.spec import DeploymentSpec
from shared.run.stages import Stage
from tests.dataset.builders import good
from tests.support.datasets import dataset
from tests.support.drops import taken
from tests.support.runs import RunHarness


async def checked(harness: RunHarness, name: str = "training.jsonl") -> str:
    run = await harness.received(name)
    await reconciler.advance(run.id, harness.ctx)
    return run.id


async def test_the_report_tells_of_a_training_file_that_is_in_no_run(harness: RunHarness) -> None:
    await harness.drop(good(3), "training_1.jsonl")
    await harness.pause(2)
    await harness.drop(dataset(9), "training_2.jsonl")  # too few: it ends with its check
    run = await harness.known(await checked(harness, "training_2.jsonl"))
    report = json.loads(await harness.ledger.document(run.id, "report.json") or b"")
    (told,) = [one for one in report["findings"] if one["id"] == "files-left-out"]
    assert told["message"].startswith(harness.path("training_1.jsonl"))
    page = await harness.ledger.document(run.id, "report.html") or b""
    assert harness.path("training_1.jsonl").encode() in page
    assert notices(run) == [told["message"]]


async def test_a_lone_dataset_that_is_too_short_to_be_split_says_so(harness: RunHarness) -> None:
    await harness.drop(dataset(9), "lone")
    run = await harness.known(await checked(harness, "lone"))
    (told,) = notices(run)
    assert "no validation set: it is too short" in told
    assert told in await harness.messages(run, "check")


async def test_what_is_not_checked_yet_says_nothing_of_a_validation_set(
    harness: RunHarness,
) -> None:
    await harness.drop(dataset(9), "lone")
    run = await taken(harness, harness.path("lone"))
    assert run
    assert notices(run) == []


async def test_examples_that_are_too_much_alike_are_told_in_other_words(
    harness: RunHarness,
) -> None:
    await harness.drop(dataset(9), "lone")
    run = await taken(harness, harness.path("lone"))
    assert run
    whole = run.training.replace(share=Share.TRAINING, examples=40)
    (told,) = notices(run.with_files(whole))
    assert "too few of its examples differ" in told
    assert "goes on" not in told, "it may have been rejected"


async def test_a_folder_without_a_validation_set_was_meant_so(harness: RunHarness) -> None:
    await harness.drop(dataset(9))
    run = await harness.known(await checked(harness))
    assert notices(run) == []


async def test_what_its_deployment_costs_is_told_as_long_as_it_may_have_one(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    assert notices(run) == []
    run = await harness.until(run, Stage.SERVING)
    (told,) = notices(run, "swedencentral")
    assert "costs 1.70 USD an hour, used or not" in told
    assert f"tunedrop sleep {harness.model}@1" in told
    free = DeploymentSpec(sku="DeveloperTier", capacity=1)
    developer = run.spec.model_copy(update={"deployment": free})
    assert notices(run.replace(spec=developer)) == [], "it costs nothing by the hour"
