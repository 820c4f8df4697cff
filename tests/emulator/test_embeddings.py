"""Embeddings through the SDK, in both URL families: shapes, what vectors mean, what is refused."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import CreateEmbeddingResponse

from .harness import Running, deploy, wait_until

HIDDEN = 64  # of the tiny model


@pytest.fixture(scope="session")
def embedder(shared: Running) -> Iterator[str]:
    """The name of a deployment of a model that embeds."""
    with shared.arm() as arm, shared.v1() as client:
        deploy(arm, "embedder", "text-embedding-3-small", capacity=100)
        wait_until(lambda: _answers(client, "embedder"))
        yield "embedder"


def _answers(client: OpenAI, deployment: str) -> bool:
    try:
        client.embeddings.create(model=deployment, input="a")
    except openai.NotFoundError:
        return False
    return True


@pytest.fixture(params=["v1", "dated"])
def client(emulator: Running, request: pytest.FixtureRequest) -> OpenAI:
    made: OpenAI = getattr(emulator, request.param)()
    return made


def test_texts_become_vectors(client: OpenAI, embedder: str) -> None:
    answer = client.embeddings.create(model=embedder, input=["a ship", "a sea"])
    assert [one.index for one in answer.data] == [0, 1]
    assert answer.model == "text-embedding-3-small"
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 2
    for one in answer.data:
        assert len(one.embedding) == HIDDEN
        assert math.isclose(math.hypot(*one.embedding), 1, abs_tol=1e-5)


def test_the_same_text_is_the_same_vector_alone_or_among_others(v1: OpenAI, embedder: str) -> None:
    alone = v1.embeddings.create(model=embedder, input="a ship").data[0].embedding
    among = v1.embeddings.create(model=embedder, input=["a sea", "a ship"]).data
    assert among[1].embedding == alone != among[0].embedding


def test_both_formats_are_the_same_numbers(v1: OpenAI, embedder: str) -> None:
    """The SDK asks for base64 by itself (openai-python#1490)."""
    decoded = v1.embeddings.create(model=embedder, input="a ship").data[0].embedding
    listed = v1.embeddings.create(model=embedder, input="a ship", encoding_format="float").data[0]
    assert decoded == pytest.approx(listed.embedding, abs=1e-6)


def test_fewer_dimensions_are_again_of_length_1(v1: OpenAI, embedder: str) -> None:
    whole = v1.embeddings.create(model=embedder, input="a ship").data[0].embedding
    short = v1.embeddings.create(model=embedder, input="a ship", dimensions=8).data[0].embedding
    assert math.isclose(math.hypot(*short), 1, abs_tol=1e-5)
    assert short[0] / short[1] == pytest.approx(whole[0] / whole[1], rel=1e-3)


def test_the_shape_is_what_the_sdk_promises(emulator: Running, embedder: str) -> None:
    with emulator.http() as http:
        body = {"model": embedder, "input": "a ship"}
        answer = http.post("/openai/v1/embeddings", json=body)
    CreateEmbeddingResponse.model_validate(answer.json())
    assert answer.json()["system_fingerprint"] == "emulator-tiny"
    assert answer.headers["x-ratelimit-limit-requests"] == "100"


@pytest.mark.parametrize(
    ("wrong", "param", "said"),
    [
        ({"input": None}, "input", "Missing required"),
        ({"input": ""}, "input", "empty string"),
        ({"input": []}, "input", "1 to 2048"),
        ({"input": ["a"] * 2049}, "input", "1 to 2048"),
        ({"input": [[9906, 1917]]}, "input", "check_embedding_ctx_length=False"),
        ({"input": ["a", 3]}, "input", "every entry"),
        ({"input": "word " * 3000}, "input", "maximum context length is 2048 tokens, however"),
        ({"dimensions": HIDDEN + 1}, "dimensions", "64 dimensions"),
        ({"encoding_format": "hex"}, "encoding_format", "float and base64"),
        ({"prompt": "x"}, "prompt", "Unknown parameter"),
    ],
)
def test_what_is_refused(
    emulator: Running, embedder: str, wrong: Any, param: str, said: str
) -> None:
    with emulator.http() as http:
        body = {"model": embedder, "input": "a ship", **wrong}
        answer = http.post("/openai/v1/embeddings", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param)
    assert said in error["message"]


def test_a_model_answers_what_it_is_for(v1: OpenAI, base: str, embedder: str) -> None:
    """In the service's words (langchainjs#1510, graphrag#1557, ragas#1277)."""
    question: Any = [{"role": "user", "content": "Hello"}]
    calls: dict[str, Callable[[], Any]] = {
        "embeddings": lambda: v1.embeddings.create(model=base, input="a"),
        "completion": lambda: v1.completions.create(model=base, prompt="a"),
        "chatCompletion": lambda: v1.chat.completions.create(model=embedder, messages=question),
        "responses": lambda: v1.responses.create(model=embedder, input="a"),
    }
    for operation, call in calls.items():
        with pytest.raises(openai.BadRequestError) as refusal:
            call()
        assert refusal.value.code == "OperationNotSupported"
        assert f"The {operation} operation does not work" in refusal.value.message


def test_a_deployment_that_is_not_there(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.embeddings.create(model="nowhere", input="a")
    assert refusal.value.code == "DeploymentNotFound"


def test_it_is_not_trained_and_says_what_it_can(emulator: Running, v1: OpenAI) -> None:
    shown = v1.models.retrieve("text-embedding-3-small").to_dict()
    can: Any = shown["capabilities"]
    assert (can["embeddings"], can["chat_completion"], can["fine_tune"]) == (True, False, False)
    with pytest.raises(openai.BadRequestError, match="does not support fine-tuning"):
        v1.fine_tuning.jobs.create(model="text-embedding-3-small", training_file="file-1")
