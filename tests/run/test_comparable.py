"""The plan tells beforehand what comparing a new version takes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.cloud.deployments import Deployment
from shared.cloud.offers import Known, Offers
from shared.model.paired import MIN_EXAMPLES
from shared.run.comparable import DECIDING, Held, base_deployment, serves
from shared.run.plan import plan
from shared.run.spec import effective
from tests.support.comparing import BASE, Compared, right
from tests.support.settings import SETTINGS

NOW = datetime(2026, 11, 28, tzinfo=UTC)
NOBODY: Known[Any] = Known(why="nobody was asked")
PLAIN = Deployment("plain", "gpt-4.1-nano", "Succeeded", version="2025-04-14")


def told(held: Held, *there: Deployment, run_yaml: bytes = b"") -> dict[str, Any] | None:
    deployments = Known(there, "")
    offers = Offers(NOBODY, NOBODY, NOBODY, deployments, NOBODY, NOBODY)
    found = plan(effective(run_yaml, SETTINGS), offers, NOW, held=held).as_json()
    return next((one for one in found["answers"] if one["id"] == "comparison"), None)


def test_chats_and_tokens_are_told_before_anything_is_paid_for() -> None:
    found = told(Held(11, 11 * 400, 100, ("plain",)), PLAIN)
    assert found
    assert found["says"] == "yes"
    assert f"with {BASE}, deployed as plain" in found["sentence"]
    assert "up to 11 examples each, 33 chats" in found["sentence"]
    assert "about 3,300 tokens" in found["sentence"]
    assert "price is not in the table" in found["sentence"]


def test_the_sample_bounds_what_is_told() -> None:
    found = told(Held(5_000, 5_000 * 400, 100, ("plain",)), PLAIN)
    assert found
    assert "up to 100 examples each, 300 chats" in found["sentence"]
    assert "about 30,000 tokens" in found["sentence"]


def test_without_a_base_deployment_the_setting_is_named() -> None:
    found = told(Held(11, 4400, 100, ("other",)), PLAIN)
    assert found
    assert "22 chats" in found["sentence"]
    assert "TUNEDROP_BASE_DEPLOYMENTS" in found["sentence"]


def test_without_a_validation_set_it_is_said_that_nothing_is_compared() -> None:
    found = told(Held(0), PLAIN)
    assert found
    assert "There is no validation set" in found["sentence"]


@pytest.mark.parametrize(
    ("examples", "most", "said"), [(7, 100, True), (8, 100, False), (9, 5, True)]
)
def test_too_few_examples_to_decide_are_told(examples: int, most: int, said: bool) -> None:
    found = told(Held(examples, examples * 400, most, ("plain",)), PLAIN)
    assert found
    assert ("so no gate holds it" in found["sentence"]) is said
    assert DECIDING == MIN_EXAMPLES


def test_with_the_gate_off_nothing_is_told() -> None:
    assert told(Held(11, 4400), PLAIN, run_yaml=b"gate: off") is None


@pytest.mark.parametrize(
    ("model", "version", "base", "expected"),
    [
        ("gpt-4.1-nano", "2025-04-14", BASE, True),
        ("GPT-4.1-nano", "2025-04-14", BASE, True),
        ("gpt-4.1-nano", "2026-01-01", BASE, False),
        ("gpt-4.1", "2025-04-14", BASE, False),
        ("gpt-4.1-nano", "", BASE, True),
        ("gpt-4.1", "", BASE, False),
        ("gpt-oss-20b", "1", "gpt-oss-20b", True),
        (f"{BASE}.ft-1", "1", BASE, False),
        (f"{BASE}.ft-1", "1", f"{BASE}.ft-1", True),
    ],
)
def test_which_deployment_serves_a_base_model(
    model: str, version: str, base: str, expected: bool
) -> None:
    assert serves(Deployment("d", model, "Succeeded", version=version), base) is expected


def test_the_base_deployment_is_one_that_is_named_and_ready() -> None:
    failed = Deployment("failed", "gpt-4.1-nano", "Failed", version="2025-04-14")
    assert base_deployment(BASE, [failed, PLAIN], ["failed", "gone", "plain"]) is PLAIN
    assert base_deployment(BASE, [failed, PLAIN], ["failed"]) is None


async def test_a_runs_plan_has_the_numbers_of_its_validation_set() -> None:
    compared = Compared.of()
    compared.deploy_base()
    run = await compared.placed(right)
    from shared.run import planning

    made = await planning.make(run, compared.harness.ctx)
    kept = json.loads(await compared.harness.ledger.document(run.id, "plan.json") or b"")
    assert kept["answers"] == made.as_json()["answers"]
    assert "up to 20 examples each" in kept["answers"][-1]["sentence"]
