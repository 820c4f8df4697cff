"""Faults that strike responses: those of chat, and one of what is stored."""

from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from .harness import Running


def ask(client: OpenAI, base: str, **options: Any) -> Any:
    wanted: dict[str, Any] = {"input": "Who be ye?", "max_output_tokens": 16, **options}
    return client.responses.create(model=base, **wanted)


def test_a_stored_response_may_be_lost(emulator: Running, v1: OpenAI, base: str) -> None:
    """As callers of the service have met it (dotnet/extensions#7704)."""
    emulator.fault("response-lost", "responses.create")
    answer = ask(v1, base)
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(v1, base, previous_response_id=answer.id)
    assert refusal.value.code == "previous_response_not_found"
    assert ask(v1, base, previous_response_id=ask(v1, base).id).output_text


def test_faults_of_chat_strike_responses_too(emulator: Running, v1: OpenAI, base: str) -> None:
    emulator.fault("stream-cut", "responses.create", after_chunks=5)
    with pytest.raises((httpx.HTTPError, openai.APIConnectionError)):
        list(ask(v1, base, stream=True))
    emulator.fault("deployment-paused", "responses.create")
    with pytest.raises(openai.APIStatusError) as paused:
        ask(v1, base)
    assert paused.value.status_code == 423
    with pytest.raises(openai.NotFoundError) as refusal:
        ask(v1, "nowhere")
    assert refusal.value.code == "DeploymentNotFound"
