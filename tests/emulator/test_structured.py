"""Answers that have to be JSON, through the SDK: any object, a schema, and what is refused."""

import json
from typing import Any, Literal

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from local.emulator.language.grammar import Grammar, schema_error
from local.emulator.language.weights import tokenizer_folder

from .harness import ROOT

ASKED: Any = [{"role": "user", "content": "Describe a ship as JSON."}]


class Mast(BaseModel):
    height: float
    sails: list[Literal["main", "jib"]]


class Ship(BaseModel):
    name: str
    kind: Literal["sloop", "brig"]
    guns: int
    afloat: bool
    mast: Mast
    captain: str | None


def ask(client: OpenAI, deployment: str, response_format: Any, **more: Any) -> Any:
    wanted: dict[str, Any] = {"messages": ASKED, "max_tokens": 120, "seed": 1, **more}
    return client.chat.completions.create(
        model=deployment, response_format=response_format, **wanted
    )


def with_schema(schema: Any, strict: bool = False) -> Any:
    named = {"name": "ship", "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": named}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_pydantic_model_comes_back(v1: OpenAI, base: str, seed: int) -> None:
    """Even from a model of random weights, which would never end a text by itself."""
    options: Any = {"messages": ASKED, "max_tokens": 200, "seed": seed, "temperature": 1.0}
    answer = v1.chat.completions.parse(model=base, response_format=Ship, **options)
    assert isinstance(answer.choices[0].message.parsed, Ship)
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_object(v1: OpenAI, base: str, seed: int) -> None:
    answer = ask(v1, base, {"type": "json_object"}, seed=seed, temperature=1.0)
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_a_stream_of_json(v1: OpenAI, base: str) -> None:
    options: Any = {"messages": ASKED, "max_tokens": 200, "seed": 1}
    with v1.chat.completions.stream(model=base, response_format=Ship, **options) as stream:
        events = [event.type for event in stream]
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Ship)
    assert events.count("content.delta") > 5


def test_too_few_tokens_for_the_schema_end_as_length(v1: OpenAI, base: str) -> None:
    answer = ask(v1, base, with_schema(Ship.model_json_schema()), max_tokens=5)
    assert answer.choices[0].finish_reason == "length"


def test_several_choices_follow_the_schema_each(v1: OpenAI, base: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    answer = ask(v1, base, with_schema(schema | {"additionalProperties": False}), n=2)
    for choice in answer.choices:
        assert json.loads(choice.message.content).keys() == {"a"}


OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("wanted", "param", "message"),
    [
        ({"type": "yaml"}, "response_format.type", "json_object or json_schema"),
        ("json", "response_format", "must be an object"),
        ({"type": "json_schema"}, "response_format.json_schema", "a name and a schema"),
        (with_schema("x"), "response_format", "schema must be an object"),
        (with_schema({"type": "strng"}), "response_format", "strng"),
        (with_schema({"if": {}}), "response_format", 'Unimplemented keys: ["if"]'),
        (with_schema(OPEN, strict=True), "response_format", "'additionalProperties' is required"),
        (
            with_schema(OPEN | {"additionalProperties": False}, strict=True),
            "response_format",
            "'required' is required",
        ),
    ],
)
def test_schemas_that_are_refused(
    v1: OpenAI, base: str, wanted: Any, param: str, message: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(v1, base, wanted)
    assert refusal.value.param == param
    assert message in refusal.value.message


def test_json_mode_wants_to_hear_of_json(v1: OpenAI, base: str) -> None:
    with pytest.raises(openai.BadRequestError, match="must contain the word 'json'"):
        ask(v1, base, {"type": "json_object"}, messages=[{"role": "user", "content": "A ship?"}])


def test_rules_of_strict_reach_everywhere() -> None:
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for place in ({"items": OPEN}, {"anyOf": [OPEN]}, {"$defs": {"ship": OPEN}}):
        assert "In context=" in str(schema_error(closed | place, strict=True))
    assert schema_error(closed, strict=True) is None
    assert schema_error(OPEN, strict=False) is None


def test_the_end_is_reached_in_time() -> None:
    """However the model would go on: here it opens lists and texts and never closes one."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(tokenizer_folder(ROOT / ".local" / "models"))
    schema = {"$ref": "#/$defs/deep", "$defs": {"deep": {"type": "array", "items": {
        "anyOf": [{"$ref": "#/$defs/deep"}, {"type": "string"}]}}}}  # fmt: skip
    grammar = Grammar(tokenizer)
    for favourites in (["[", "a", "\\", '"'], ['"', "a"], ["[", '"', "\\", "n", "a"]):
        follower, ids = grammar.follow(json.dumps(schema), 60), list[int]()
        tokens = [tokenizer.convert_tokens_to_ids(sign) for sign in favourites]
        while not follower.finished and len(ids) < 60:
            allowed = follower.allowed(tokenizer.decode(ids))
            liked = (token for token in tokens if allowed[token])
            ids.append(next(liked, allowed.find(max(allowed))))
            follower.accept(ids[-1])
        assert isinstance(json.loads(tokenizer.decode(ids)), list)


def test_every_token_of_json_has_its_probability(v1: OpenAI, base: str) -> None:
    answer = ask(v1, base, {"type": "json_object"}, logprobs=True, top_logprobs=1, max_tokens=30)
    assert len(answer.choices[0].logprobs.content) == answer.usage.completion_tokens
