"""Quotas by usage name, the other limits that are settings, and settings that cannot be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .in_process import Inside, in_location, inside, refusal

MINI = "gpt-4.1-mini-2025-04-14"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


def usage(emulator: Inside, name: str, location: str = "swedencentral") -> tuple[float, float]:
    url = in_location(location, "usages", f"$filter=name.value eq '{name}'")
    (found,) = emulator.arm.get(url).json()["value"]
    return found["currentValue"], found["limit"]


def test_a_quota_is_of_one_model_and_one_sku(emulator: Inside) -> None:
    name = "OpenAI.GlobalStandard.gpt4.1-finetune"
    emulator.settings(quotas={name: 8})
    tuned = emulator.tuned("gpt-4.1-2025-04-14")
    assert refusal(emulator.put("mine", tuned, 10, sku="GlobalStandard")) == (
        400,
        "InsufficientQuota",
        "This operation require 10 new capacity in quota Tokens Per Minute (thousands) - gpt-4.1,"
        " which is bigger than the current available capacity 8. The current quota usage is 0 and"
        " the quota limit is 8 for quota Tokens Per Minute (thousands) - gpt-4.1.",
    )
    assert emulator.put("mine", tuned, 8, sku="GlobalStandard").status_code == 201
    assert emulator.put("other", tuned, 10).status_code == 201
    assert emulator.put("base", sku="GlobalStandard", capacity=10).status_code == 201
    assert usage(emulator, name) == (8, 8)
    assert usage(emulator, name, "eastus2") == (0, 8)
    assert usage(emulator, "OpenAI.Standard.gpt4.1-finetune") == (10, 1000)


def test_the_capacity_that_is_left_goes_by_the_quota(emulator: Inside) -> None:
    emulator.settings(quotas={"AIServices.GlobalStandard.Ministral-3B-finetune": 5})
    asked = "modelFormat=Mistral AI&modelName=Ministral-3B&modelVersion=2411"
    url = in_location("eastus2", "modelCapacities", asked)
    found = emulator.arm.get(url).json()["value"]
    left = {one["properties"]["skuName"]: one["properties"] for one in found}
    assert left["GlobalStandard"]["availableFinetuneCapacity"] == 5
    assert left["GlobalStandard"]["availableCapacity"] == 1000
    assert left["Standard"]["availableFinetuneCapacity"] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quotas", [1]),
        ("quotas", {"OpenAI.Standard.gpt-4o": -1}),
        ("quotas", {"OpenAI.Standard.gpt-4o": True}),
        ("quotas", {"OpenAI.Standard.gpt-4o": "10"}),
        ("location", "atlantis"),
        ("subscription", "old"),
        ("retirements", True),
        ("running_limit", "3"),
    ],
)
def test_settings_that_cannot_be(emulator: Inside, name: str, value: Any) -> None:
    before = emulator.control.get("/_emulator/settings").json()
    answer = emulator.control.patch("/_emulator/settings", json={name: value})
    assert answer.status_code == 400 and name in answer.json()["error"]["message"]
    assert emulator.control.get("/_emulator/settings").json() == before


def test_how_many_run_at_once_is_a_setting(emulator: Inside) -> None:
    emulator.settings(running_limit=1, developer_running_limit=2)
    file = emulator.file()
    for kind in ("Standard", "GlobalStandard", *["developerTier"] * 3):
        assert emulator.train(MINI, file, kind).status_code == 200
    begun = list(iter(emulator.emulator.queue.take_next, None))
    kinds = [job["trainingType"] for job in begun]
    assert kinds == ["standard", "developerTier", "developerTier"]


def test_how_many_files_are_kept_is_a_setting(emulator: Inside) -> None:
    emulator.settings(file_limit=1)
    emulator.file()
    form = {"file": ("t.jsonl", b"{}")}
    answer = emulator.data.post("/openai/v1/files", files=form, data={"purpose": "fine-tune"})
    assert refusal(answer)[:2] == (400, "quotaExceeded")
