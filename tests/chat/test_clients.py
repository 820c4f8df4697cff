"""Clients that others wrote, against the app as it is shipped: only URL and key are changed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import openai
import pytest
from pydantic import SecretStr

from tests.support.stack import StackHarness

QUESTION = "What is a ship?"


@pytest.fixture
def base_url(stack: StackHarness) -> str:
    return f"{stack.addresses.app_url}/api/v1"


async def test_openai_async_streaming_with_usage(stack: StackHarness, base_url: str) -> None:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=stack.addresses.app_key) as client:
        stream = await client.chat.completions.create(
            model=stack.addresses.base_deployment,
            messages=[{"role": "user", "content": QUESTION}],
            max_tokens=4,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens > 0


async def test_openais_newer_calls(stack: StackHarness, base_url: str) -> None:
    """A response, its stream, and models with their times; the emulator is told to keep nothing."""
    base = stack.addresses.base_deployment
    async with openai.AsyncOpenAI(base_url=base_url, api_key=stack.addresses.app_key) as client:
        whole = await client.responses.create(model=base, input=QUESTION, max_output_tokens=16)
        stream = await client.responses.create(
            model=base, input=QUESTION, max_output_tokens=16, stream=True
        )
        kinds = [event.type async for event in stream]
        listed = [model async for model in client.models.list()]
        with pytest.raises(openai.NotFoundError, match="none is kept"):
            await client.responses.retrieve(whole.id)
    assert whole.output_text
    assert whole.usage
    assert whole.usage.total_tokens > 0
    assert whole.model_dump()["store"] is False
    assert kinds[0] == "response.created"
    assert "response.output_text.delta" in kinds
    assert kinds[-1] in ("response.completed", "response.incomplete")
    assert base in [model.id for model in listed]
    assert all(model.created > 10**9 for model in listed)


def test_azures_own_client_class_of_the_sdk(stack: StackHarness) -> None:
    """It puts the model into the path, an api-version behind it and the key into `api-key`."""
    with openai.AzureOpenAI(
        azure_endpoint=f"{stack.addresses.app_url}/api",
        api_key=stack.addresses.app_key,
        api_version="2024-10-21",
    ) as client:
        answer = client.chat.completions.create(
            model=stack.addresses.base_deployment,
            messages=[{"role": "user", "content": QUESTION}],
            max_tokens=4,
        )
    assert answer.choices


def test_langchain(stack: StackHarness, base_url: str) -> None:
    from langchain_openai import ChatOpenAI  # seconds, which others that collect need not pay

    chat = ChatOpenAI(
        base_url=base_url,
        api_key=SecretStr(stack.addresses.app_key),
        model=stack.addresses.base_deployment,
        max_completion_tokens=4,
    )
    assert chat.invoke(QUESTION).response_metadata["model_name"]
    assert len(list(chat.stream(QUESTION))) > 1


def test_the_llm_command(stack: StackHarness, base_url: str, tmp_path: Path) -> None:
    models = [
        {
            "model_id": "ours",
            "model_name": stack.addresses.base_deployment,
            "api_base": base_url,
            "api_key_name": "ours",
        }
    ]
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps(models))
    (tmp_path / "keys.json").write_text(json.dumps({"ours": stack.addresses.app_key}))
    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "ours", "-o", "max_tokens", "4", QUESTION],
        env={**os.environ, "LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl(stack: StackHarness, base_url: str) -> None:
    chat = {
        "model": stack.addresses.base_deployment,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    done = subprocess.run(
        [
            *("curl", "-sS", "--fail-with-body", f"{base_url}/chat/completions"),
            *("-H", f"Authorization: Bearer {stack.addresses.app_key}"),
            *("-H", "Content-Type: application/json", "-d", json.dumps({**chat, "max_tokens": 4})),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["choices"]
