"""What a chat can be asked for beyond a question, through the SDK."""

from typing import Any

import openai
import pytest
from openai import OpenAI

from .harness import BASE_MODEL, QUESTION, Running, dataset, upload, wait_until

TOLD = (
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-request-id",
    "apim-request-id",
    "x-ms-region",
)


def ask(client: OpenAI, deployment: str, **options: Any) -> Any:
    wanted = {"messages": QUESTION, "max_tokens": 8, "seed": 1, **options}
    return client.chat.completions.create(model=deployment, **wanted)


def test_several_choices(v1: OpenAI, base: str) -> None:
    answer = ask(v1, base, n=3, temperature=1.5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    texts = {choice.message.content for choice in answer.choices}
    assert len(texts) == 3
    assert answer.usage.completion_tokens == 24
    streamed: dict[int, str] = {0: "", 1: "", 2: ""}
    for chunk in ask(v1, base, n=3, temperature=1.5, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert set(streamed.values()) == texts


def test_the_same_seed_gives_the_same_answer(v1: OpenAI, base: str) -> None:
    def text(seed: int) -> str:
        return str(ask(v1, base, temperature=1, seed=seed).choices[0].message.content)

    assert text(1) == text(1) != text(2)


def test_probabilities_of_tokens(v1: OpenAI, base: str) -> None:
    answer = ask(v1, base, temperature=0, logprobs=True, top_logprobs=3)
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == answer.usage.completion_tokens == 8
    for token in tokens:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert token.token == token.top_logprobs[0].token  # temperature 0 takes the likeliest
    assert ask(v1, base).choices[0].logprobs is None
    chunks = list(ask(v1, base, temperature=0, logprobs=True, stream=True))
    found = [
        one.token
        for chunk in chunks
        if chunk.choices and chunk.choices[0].logprobs
        for one in chunk.choices[0].logprobs.content
    ]
    assert found == [token.token for token in tokens]


def test_a_stop_sequence_ends_the_answer(v1: OpenAI, base: str) -> None:
    whole = ask(v1, base, temperature=0).choices[0].message.content
    stop = whole[len(whole) // 2 :][:3]
    answer = ask(v1, base, temperature=0, stop=[stop])
    assert answer.choices[0].message.content == whole[: whole.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_penalties_change_what_is_said(v1: OpenAI, base: str) -> None:
    options: Any = {"temperature": 0, "max_tokens": 30}
    plain = ask(v1, base, **options).choices[0].message.content
    assert ask(v1, base, **options, frequency_penalty=2).choices[0].message.content != plain


def test_a_stream_comes_token_by_token(v1: OpenAI, base: str) -> None:
    filtered, *chunks = ask(v1, base, stream=True, temperature=1.0)
    assert filtered.choices == []
    texts = [c.choices[0].delta.content for c in chunks if c.choices[0].delta.content]
    assert len(texts) > 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "length"
    assert all(chunk.usage is None for chunk in chunks)


def test_too_long_a_conversation(v1: OpenAI, base: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(v1, base, messages=[{"role": "user", "content": "word " * 3000}])
    assert refusal.value.code == "context_length_exceeded"


def test_chat_goes_on_while_a_model_is_trained(emulator: Running, v1: OpenAI, base: str) -> None:
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL,
        training_file=upload(v1, dataset()),
        hyperparameters={"n_epochs": 1000},
    )
    wait_until(lambda: str(v1.fine_tuning.jobs.retrieve(job.id).status) == "running")
    assert ask(v1, base).usage.completion_tokens == 8
    assert str(v1.fine_tuning.jobs.retrieve(job.id).status) == "running"
    v1.fine_tuning.jobs.cancel(job.id)


@pytest.mark.parametrize("stream", [False, True])
def test_every_answer_tells_its_limits_region_and_ids(
    emulator: Running, base: str, stream: bool
) -> None:
    body = {"model": base, "messages": QUESTION, "max_tokens": 2, "stream": stream}
    with emulator.http() as client:
        answers = [client.post("/openai/v1/chat/completions", json=body) for _ in range(3)]
    one, two, three = ({name: a.headers[name] for name in TOLD} for a in answers)
    assert one["x-ratelimit-limit-requests"] == "100"
    assert one["x-ratelimit-limit-tokens"] == "100000"
    for name in ("x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"):
        left = [int(told[name]) for told in (one, two, three)]
        assert min(left) >= 0
        assert left != sorted(left), "what is left falls, but where a minute ends between two"
    for name in ("x-request-id", "apim-request-id"):
        assert one[name] != two[name]
    assert one["x-ms-region"] == "Sweden Central"
