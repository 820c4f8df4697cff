"""The real clients against what nobody emulates: no identity, no account, holes in checkpoints."""

import asyncio
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from openai import AsyncOpenAI
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from shared.cloud import AzureClients
from shared.cloud.finetuning import FineTuning
from shared.run.stages import ENDS, Stage
from tests.support.runs import RunHarness


class SignedIn:
    """A credential with a token."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


async def test_an_app_that_nobody_vouches_for_waits_and_says_so(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    run = await harness.received()
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/nobody")
    monkeypatch.setenv("IDENTITY_HEADER", "local")
    async with AzureClients(replace(harness.ctx.settings, openai_key="")) as keyless:
        monkeypatch.setattr(harness.ctx.clients, "finetuning", keyless.finetuning)
        await harness.tick()
    run = await harness.known(run.id)
    assert run.stage is Stage.CHECKED
    assert "There is no token" in str(run.waiting_for) or "identity" in str(run.waiting_for)


async def test_an_account_that_does_not_exist_ends_the_run_with_words(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As Resource Manager does for whatever lies below a resource that is not there."""
        request = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", request, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        body = b'{"error": {"code": "ResourceNotFound", "message": "It was not found."}}'
        head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as nobody:
        url = f"http://127.0.0.1:{nobody.sockets[0].getsockname()[1]}"
        settings = replace(harness.ctx.settings, arm_endpoint=url, account="nobody")
        async with AzureClients(settings) as clients:
            monkeypatch.setattr(clients, "credential", SignedIn)
            monkeypatch.setattr(harness.ctx.clients, "deployments", clients.deployments)
            run = await harness.until(run, *ENDS)
    assert run.failure
    assert "no account nobody" in run.failure.message
    assert "AZURE_OPENAI_ACCOUNT" in run.failure.fix


@pytest.mark.parametrize("absent", ["metrics", "fine_tuned_model_checkpoint"])
async def test_a_checkpoint_without_everything_does_not_cost_the_model(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    checkpoint = FineTuningJobCheckpoint.model_validate(
        {
            "id": "ftchkpt-1",
            "created_at": 1,
            "fine_tuned_model_checkpoint": "gpt-4.1:ckpt-step-5",
            "fine_tuning_job_id": run.job_id,
            "metrics": {"step": 5, "train_loss": 0.5},
            "object": "fine_tuning.job.checkpoint",
            "step_number": 5,
        }
    )
    if absent == "metrics":
        checkpoint.metrics = None  # type: ignore[assignment]
    else:
        delattr(checkpoint, absent)  # as the SDK makes what was absent

    async def bare(job_id: str) -> Any:
        yield checkpoint

    async with AsyncOpenAI(base_url="http://127.0.0.1:1", api_key="unused") as client:
        monkeypatch.setattr(client.fine_tuning.jobs.checkpoints, "list", bare)
        real = FineTuning(client)
        monkeypatch.setattr(harness.ctx.clients.finetuning, "checkpoints", real.checkpoints)
        run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, (run.stage, run.waiting_for)
    assert [epoch.step for epoch in run.epochs] == [5]
