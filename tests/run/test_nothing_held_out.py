"""A lone dataset of which no validation set can be split off: that is nobody's error."""

import json

import pytest

from shared.run import ids
from shared.run.stages import ENDS, Stage
from tests.dataset.builders import line, varied
from tests.support.runs import RunHarness

VOICE = b"".join(
    line({"messages": [{"role": "user", "content": "Write a post."}, varied(n)["messages"][1]]})
    for n in range(40)
)


async def test_the_run_goes_on_without_one_and_says_so(harness: RunHarness) -> None:
    await harness.drop(VOICE, "lone")
    run = await harness.until(await harness.received("lone"), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.validation is None
    assert run.training.examples == 40
    report = json.loads(await harness.ledger.document(run.id, "report.json") or b"")
    assert [file["role"] for file in report["files"]] == ["training"]
    assert "nothing-held-out" in [group["id"] for group in report["groups"]]
    page = await harness.ledger.document(run.id, "report.html") or b""
    assert b"No validation set could be split off" in page


async def test_the_same_drop_again_is_the_same_run(harness: RunHarness) -> None:
    await harness.drop(VOICE, "lone")
    first = await harness.until(await harness.received("lone"), *ENDS)
    assert ids.made_of(first) == first.digest
    await harness.pause(2)
    await harness.drop(VOICE, "lone")
    again = await harness.received("lone")
    assert (again.id, again.failure) == (first.id, None)


@pytest.mark.parametrize("name", ["training.jsonl", "lone"])
async def test_only_a_dataset_of_which_one_was_wanted_says_so(
    harness: RunHarness, name: str
) -> None:
    content = VOICE if name != "lone" else b"".join(line(varied(n)) for n in range(40))
    await harness.drop(content, name)
    run = await harness.until(await harness.received(name), *ENDS)
    report = json.loads(await harness.ledger.document(run.id, "report.json") or b"")
    assert "nothing-held-out" not in [group["id"] for group in report["groups"]]
