"""A promptfoo file beside a dataset: it belongs to the drop, its assertions are a score, and what
cannot be used is told before anything is paid for."""

import pytest

from shared.run import reconciler
from shared.run.folder import DropRole, parse
from shared.run.stages import Stage
from tests.support.comparing import EXAMPLES, Compared, half, right, wrong
from tests.support.drops import storage
from tests.support.runs import RunHarness

SAYS_ARR = b"tests:\n  - assert:\n      - {type: contains, value: Arr}\n"
CODE = b"tests:\n  - assert:\n      - {type: javascript, value: 'output.length > 3'}\n"
NAME = "promptfooconfig.yaml"


def test_its_name_is_understood() -> None:
    assert parse("captain/promptfooconfig.yaml") == ("captain", DropRole.ASSERTIONS)
    assert parse("captain/promptfooconfig.yml") == ("captain", DropRole.ASSERTIONS)


async def test_its_run_has_it_and_is_the_same_run_with_or_without(harness: RunHarness) -> None:
    await harness.drop()
    plain = await harness.received()
    await harness.pause(60)
    await harness.drop(SAYS_ARR, NAME)
    run = await harness.received(NAME)
    assert run.id == plain.id
    assert plain.assertions is None
    assert run.assertions
    assert run.assertions.name == harness.path(NAME)
    await harness.pause(60)
    await harness.drop(SAYS_ARR.replace(b"Arr", b"Oh"), NAME)
    again = await harness.received(NAME)
    assert again.id == plain.id
    assert again.assertions
    assert again.assertions.sha256 != run.assertions.sha256
    assert len(await harness.runs()) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (CODE, "runs code"),
        (b"tests: file://tests.yaml\n", "no other file is read"),
        (b"{", "promptfoo file"),
        (b"#" * 300_000, "300,000 bytes"),
    ],
)
async def test_one_that_cannot_be_used_is_told_beside_it_and_nothing_is_sent(
    harness: RunHarness, content: bytes, told: str
) -> None:
    await harness.drop(content, NAME)
    await harness.drop()
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    beside = await storage(harness).read(f"{harness.path(NAME)}.problem.txt")
    assert beside
    assert told in beside.data.decode()
    assert await harness.runs() == []
    assert harness.service.calls() == 0


async def test_a_mended_one_is_taken(harness: RunHarness) -> None:
    await harness.drop(CODE, NAME)
    await harness.drop()
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    await harness.pause(60)
    await harness.drop(SAYS_ARR, NAME)
    run = await harness.received(NAME)
    assert run.assertions
    assert await storage(harness).read(f"{harness.path(NAME)}.problem.txt") is None


async def test_what_it_asserts_is_a_score() -> None:
    compared = Compared.of()
    compared.deploy_base(wrong)
    run = await compared.placed(half, assertions=SAYS_ARR)
    run = await compared.ended(run)
    scores = (await compared.verdict(run))["contests"][0]["metrics"]["assertions"]
    assert (scores["candidate"], scores["other"], scores["examples"]) == (0.5, 0.0, EXAMPLES)


async def test_one_that_was_replaced_meanwhile_does_not_count_and_that_is_said() -> None:
    compared = Compared.of()
    compared.deploy_base(wrong)
    run = await compared.placed(right, assertions=SAYS_ARR)
    await compared.harness.drop(SAYS_ARR + b"\n", NAME)
    run = await compared.ended(run)
    assert run.stage is Stage.SERVING
    assert "promptfooconfig.yaml does not count: it was replaced or deleted" in run.compared
    assert "assertions" not in (await compared.verdict(run))["contests"][0]["metrics"]
