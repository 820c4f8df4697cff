"""Completions through the SDK, in both URL families: a text goes on."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Completion

from .harness import Running, deploy, wait_until


@pytest.fixture(scope="session")
def instruct(shared: Running) -> Iterator[str]:
    """The name of a deployment of a model that completes texts."""
    with shared.arm() as arm, shared.v1() as client:
        deploy(arm, "instruct", "gpt-35-turbo-instruct", "0914", capacity=100)
        wait_until(lambda: _answers(client, "instruct"))
        yield "instruct"


def _answers(client: OpenAI, deployment: str) -> bool:
    try:
        client.completions.create(model=deployment, prompt="a", max_tokens=1)
    except openai.NotFoundError:
        return False
    return True


@pytest.fixture(params=["v1", "dated"])
def client(emulator: Running, request: pytest.FixtureRequest) -> OpenAI:
    made: OpenAI = getattr(emulator, request.param)()
    return made


def test_a_text_goes_on(client: OpenAI, instruct: str) -> None:
    options: Any = {"prompt": "Once upon a time", "seed": 1}
    answer: Any = client.completions.create(model=instruct, **options)
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 16
    assert answer.system_fingerprint == "emulator-tiny"


def test_no_conversation_is_put_around_it(v1: OpenAI, instruct: str) -> None:
    one: Any = {"model": instruct, "max_tokens": 1}
    long: Any = v1.completions.create(**one, prompt="one two three")
    short: Any = v1.completions.create(**one, prompt="one")
    assert (short.usage.prompt_tokens, long.usage.prompt_tokens) == (1, 3)


def test_several_prompts_with_several_answers_each(client: OpenAI, instruct: str) -> None:
    options: Any = {"prompt": ["One", "Two"], "n": 2, "seed": 1, "temperature": 1.5}
    answer = client.completions.create(model=instruct, **options)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert len({choice.text for choice in answer.choices}) == 4
    streamed = dict.fromkeys(range(4), "")
    for chunk in client.completions.create(model=instruct, stream=True, **options):
        for choice in chunk.choices:
            streamed[choice.index] += choice.text
    assert [*streamed.values()] == [choice.text for choice in answer.choices]


def test_a_stream_tells_its_end_and_its_usage(v1: OpenAI, instruct: str) -> None:
    usage: Any = {"include_usage": True}
    options: Any = {"prompt": "One", "stream": True, "stream_options": usage}
    chunks: list[Any] = list(v1.completions.create(model=instruct, **options))
    assert chunks[-1].usage.completion_tokens == 16
    assert chunks[-2].choices[0].finish_reason == "length"


def test_probabilities_in_the_older_shape(v1: OpenAI, instruct: str) -> None:
    answer = v1.completions.create(
        model=instruct, prompt="One", logprobs=2, temperature=0, max_tokens=4
    )
    found: Any = answer.choices[0].logprobs
    assert len(found.tokens) == len(found.token_logprobs) == 4
    assert all(len(rivals) == 2 for rivals in found.top_logprobs)
    assert found.text_offset[0] == 0
    assert found.text_offset[1] == len(found.tokens[0])


def test_a_stop_sequence_ends_it(v1: OpenAI, instruct: str) -> None:
    options: Any = {"model": instruct, "prompt": "One", "temperature": 0}
    whole = v1.completions.create(**options).choices[0].text
    stop = whole[len(whole) // 2 :][:3]
    choice = v1.completions.create(**options, stop=stop).choices[0]
    assert (choice.text, choice.finish_reason) == (whole[: whole.index(stop)], "stop")


def test_the_shape_is_what_the_sdk_promises(emulator: Running, instruct: str) -> None:
    with emulator.http() as http:
        body = {"model": instruct, "prompt": "One", "logprobs": 1}
        Completion.model_validate(http.post("/openai/v1/completions", json=body).json())


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": [1, 2]}, "prompt", "invalid_value"),
        ({"prompt": "word " * 3000}, "messages", "context_length_exceeded"),
        ({"echo": True}, "echo", "unsupported_parameter"),
        ({"best_of": 3}, "best_of", "unsupported_parameter"),
        ({"logprobs": 9}, "logprobs", "invalid_value"),
        ({"messages": []}, "messages", "unknown_parameter"),
    ],
)
def test_what_is_refused(
    emulator: Running, instruct: str, wrong: Any, param: str, code: str
) -> None:
    with emulator.http() as http:
        body = {"model": instruct, "prompt": "One", **wrong}
        answer = http.post("/openai/v1/completions", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


def test_what_means_no_is_taken(v1: OpenAI, instruct: str) -> None:
    answer = v1.completions.create(
        model=instruct, prompt="One", echo=False, suffix=None, best_of=1, logit_bias={}
    )
    assert answer.choices[0].text
