"""What the account says to a run.yaml, asked of the app; and to a run, where it is looked at."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from shared.run.run_yaml import LARGEST
from shared.run.stages import Stage
from tests.support.in_process import in_process
from tests.support.offered import MINI_4O, OFFERS
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService

DOCUMENT = json.loads((Path(__file__).parents[2] / "console/openapi.json").read_text("utf-8"))
NO_SKU = f"base_model: {MINI_4O}\ndeployment: {{sku: developer}}"

Asked = tuple[httpx.AsyncClient, RunHarness]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with in_process("http://127.0.0.1:9", monkeypatch) as (client, _, runs):
        assert isinstance(runs.service, MemoryService)
        runs.service.offers = OFFERS
        yield client, runs


def check_described(body: Any) -> None:
    schema = {"$ref": "#/components/schemas/Plan", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(body)


async def test_a_run_yaml_is_answered_without_a_run(app: Asked) -> None:
    client, runs = app
    answer = await client.post("/plan", content=NO_SKU)
    assert answer.status_code == 200
    check_described(answer.json())
    assert answer.json()["says"] == "no"
    assert (await client.post("/plan", content=b"")).json()["says"] == "yes"
    assert await runs.runs() == []
    assert runs.service.calls() == 0


@pytest.mark.parametrize(
    ("run_yaml", "status", "says"),
    [
        (b"deployment: {sku: Standrad}", 400, "did you mean Standard?"),
        (b"\xff\xfe\x00", 400, "run.yaml"),
        (b"#" * (LARGEST + 1), 413, "more than 64,000 bytes"),
    ],
)
async def test_a_run_yaml_that_is_none_is_told(
    app: Asked, run_yaml: bytes, status: int, says: str
) -> None:
    answer = await app[0].post("/plan", content=run_yaml)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


async def test_a_run_tells_its_plan(app: Asked) -> None:
    client, runs = app
    await runs.drop(NO_SKU.encode(), "run.yaml")
    await runs.drop()
    run = await runs.until(await runs.received(), Stage.FAILED)
    found = (await client.get(f"/runs/{run.id}")).json()
    check_described(found["plan"])
    beside = await client.get(f"/runs/{run.id}/plan.json")
    assert beside.json() == found["plan"]


async def test_a_run_from_before_plans_were_made_has_none(app: Asked) -> None:
    client, runs = app
    await runs.drop()
    run = await runs.received()
    assert (await client.get(f"/runs/{run.id}")).json()["plan"] is None
