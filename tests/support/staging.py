"""Files that a test stages with an app in memory, and what it is told of them."""

import secrets
from typing import Any

import httpx

from shared.run import intake
from shared.run.record import Run
from tests.support.datasets import dataset
from tests.support.runs import RunHarness


class Stage:
    """One id of staged files."""

    def __init__(self, client: httpx.AsyncClient, model: str = "captain") -> None:
        self.client, self.model = client, model
        self.id = secrets.token_hex(16)
        self.seen = ""  # what the last check has shown

    async def put(
        self, content: bytes | None = None, name: str = "training_set.jsonl"
    ) -> httpx.Response:
        body = dataset(12) if content is None else content
        return await self.client.put(f"/staged/{self.id}/{name}", content=body)

    async def order(self, action: str, **body: Any) -> httpx.Response:
        body = {"model": self.model} | ({"seen": self.seen} if action == "drop" else {}) | body
        return await self.client.post(f"/staged/{self.id}/{action}", json=body)

    async def check(self, **body: Any) -> Any:
        answer = await self.order("check", **body)
        assert answer.status_code == 200, answer.text
        self.seen = answer.json()["seen"]
        return answer.json()

    async def drop(self, **body: Any) -> Any:
        answer = await self.order("drop", **body)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def refused(self, action: str, status: int, **body: Any) -> str:
        """The sentence and the fix of an order that is not carried out."""
        answer = await self.order(action, **body)
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        return f"{error['message']} {error['fix']}"


async def dropped(runs: RunHarness) -> dict[str, bytes]:
    """All that lies in the datasets, by name."""
    datasets = runs.ctx.clients.datasets
    found = {}
    async for blob in datasets.list():
        content = await datasets.read(blob.name)
        found[blob.name] = content.data if content else b""
    return found


async def taken(runs: RunHarness, path: str = "captain/training_set.jsonl") -> Run:
    """The run that is made of a drop."""
    async with runs.ctx.with_copies() as ctx:
        run_id = await intake.take(path, ctx)
    assert run_id
    return await runs.known(run_id)
