"""Calls of functions: forced, offered and refused, in chat (both forms) and in responses."""

import json
from typing import Any

import openai
import pytest
from openai import OpenAI, pydantic_function_tool
from openai.lib.streaming.chat import ChatCompletionStreamState
from pydantic import BaseModel

from .harness import Running

ASKED: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"$ref": "#/$defs/City"}},
        "required": ["city"],
        "additionalProperties": False,
        "$defs": {"City": {"enum": ["Paris", "Rome"]}},
    },
}
ADD: dict[str, Any] = {
    "name": "add",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
}
TOOLS: Any = [{"type": "function", "function": one} for one in (WEATHER, ADD)]
FLAT: Any = [{"type": "function", **one} for one in (WEATHER, ADD)]
NAMED: Any = {"type": "function", "function": {"name": "get_weather"}}


class Ship(BaseModel):
    name: str
    guns: int


def ask(client: OpenAI, base: str, **options: Any) -> Any:
    wanted: Any = {"messages": ASKED, "max_tokens": 120, "seed": 1, "tools": TOOLS, **options}
    return client.chat.completions.create(model=base, **wanted).choices[0]


def respond(client: OpenAI, base: str, **options: Any) -> Any:
    wanted: Any = {"input": "What is the weather?", "max_output_tokens": 120, "tools": FLAT}
    return client.responses.create(model=base, **{**wanted, **options})


def fits(name: str, arguments: str) -> bool:
    given = json.loads(arguments)
    if name == "get_weather":
        return bool(given["city"] in ("Paris", "Rome"))
    return name == "add" and {type(given["a"]), type(given["b"])} == {int}


# ---- chat -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_demanded_call_follows_its_schema(v1: OpenAI, base: str, seed: int) -> None:
    """Even from a model of random weights, and with references within the schema."""
    choice = ask(v1, base, tool_choice="required", seed=seed, temperature=1.5)
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls
    assert fits(call.function.name, call.function.arguments)
    assert (call.type, call.id[:5]) == ("function", "call_")


def test_a_function_that_is_named_is_the_one(v1: OpenAI, base: str) -> None:
    """Its finish_reason is "stop", as OpenAI's (vllm#25054)."""
    choice = ask(v1, base, tool_choice=NAMED)
    assert choice.finish_reason == "stop"
    assert [call.function.name for call in choice.message.tool_calls] == ["get_weather"]


def test_few_of_the_functions_may_be_allowed(v1: OpenAI, base: str) -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "add"}}]}
    choice = ask(v1, base, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert choice.message.tool_calls[0].function.name == "add"


def test_a_streamed_call_is_the_same_as_a_whole_one(v1: OpenAI, base: str) -> None:
    options: Any = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 120, "seed": 1}
    stream = v1.chat.completions.create(model=base, messages=ASKED, stream=True, **options)
    state, chunks = ChatCompletionStreamState(), 0
    for chunk in stream:
        if chunk.choices:  # the first one is the content filter's
            state.handle_chunk(chunk)
            chunks += bool(chunk.choices[0].delta.tool_calls)
    choice = state.get_final_completion().choices[0]
    whole = ask(v1, base, **options)
    call: Any = (choice.message.tool_calls or [])[0]
    assert call.function.arguments == whole.message.tool_calls[0].function.arguments
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert chunks > 2, "the arguments come piece by piece"


def test_a_pydantic_model_as_a_tool(v1: OpenAI, base: str) -> None:
    """As the SDK's own helper sends it: strict."""
    answer = v1.chat.completions.parse(
        model=base,
        messages=ASKED,
        tools=[pydantic_function_tool(Ship)],
        tool_choice="required",
        max_tokens=200,
    )
    calls: Any = answer.choices[0].message.tool_calls
    assert isinstance(calls[0].function.parsed_arguments, Ship)


def test_functions_of_the_older_form(v1: OpenAI, base: str) -> None:
    older: Any = {
        "tools": openai.omit,
        "functions": [WEATHER, ADD],
        "function_call": {"name": "add"},
    }
    choice = ask(v1, base, **older)
    assert fits("add", choice.message.function_call.arguments)
    assert choice.message.function_call.name == "add"
    pieces = ""
    for chunk in v1.chat.completions.create(
        model=base,
        messages=ASKED,
        stream=True,
        seed=1,
        **{k: v for k, v in older.items() if k != "tools"},
    ):
        for one in chunk.choices:
            if one.delta.function_call:
                pieces += one.delta.function_call.arguments or ""
    assert fits("add", pieces)


def test_a_call_that_has_too_few_tokens_ends_as_length(v1: OpenAI, base: str) -> None:
    choice = ask(v1, base, tool_choice=NAMED, max_tokens=12)
    assert choice.finish_reason == "length"
    assert choice.message.tool_calls[0].function.name == "get_weather"
    nothing = ask(v1, base, tool_choice=NAMED, max_tokens=2)
    assert (nothing.finish_reason, nothing.message.tool_calls) == ("length", None)


def test_offered_functions_are_called_as_the_model_finds_likely(
    emulator: Running, v1: OpenAI, base: str
) -> None:
    """One of random weights finds nothing likely; the setting stands for a cleverer one."""
    assert ask(v1, base).message.tool_calls is None
    emulator.settings(offered_tools="always")
    choice = ask(v1, base)
    assert (choice.finish_reason, len(choice.message.tool_calls)) == ("tool_calls", 1)
    assert ask(v1, base, tool_choice="none").message.tool_calls is None
    emulator.settings(offered_tools="never")
    assert ask(v1, base).message.tool_calls is None
    assert ask(v1, base, tool_choice="required").message.tool_calls


def test_a_call_that_is_not_made_leaves_no_trace(emulator: Running, v1: OpenAI, base: str) -> None:
    """Its opening was only tried: the answer is the same as if nobody had thought of it."""
    options: Any = {"temperature": 1.5, "max_tokens": 20}
    tried = ask(v1, base, **options).message.content
    emulator.settings(offered_tools="never")
    assert ask(v1, base, **options).message.content == tried


def test_a_result_is_answered_in_words(emulator: Running, v1: OpenAI, base: str) -> None:
    """So that an agent comes to its end."""
    emulator.settings(offered_tools="always")
    message = ask(v1, base).message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}
    choice = ask(v1, base, messages=[*ASKED, message.to_dict(), result])
    assert choice.message.tool_calls is None
    assert choice.message.content
    again = {"role": "user", "content": "And in Rome?"}
    assert ask(v1, base, messages=[*ASKED, message.to_dict(), result, again]).message.tool_calls


def test_the_model_is_told_of_the_functions(v1: OpenAI, base: str) -> None:
    def tokens(**options: Any) -> int:
        wanted: Any = {"messages": ASKED, "max_tokens": 1, **options}
        answer: Any = v1.chat.completions.create(model=base, **wanted)
        return int(answer.usage.prompt_tokens)

    none = tokens(tools=TOOLS, tool_choice="none")
    assert none == tokens()
    assert tokens(tools=TOOLS[:1]) > none + 40
    assert tokens(tools=TOOLS) > tokens(tools=TOOLS[:1])


# ---- responses --------------------------------------------------------------------------------


def test_a_call_in_a_response_and_its_result(v1: OpenAI, base: str) -> None:
    first = respond(v1, base, tool_choice={"type": "function", "name": "get_weather"})
    (call,) = first.output
    assert (call.type, call.name, call.status) == ("function_call", "get_weather", "completed")
    assert fits(call.name, call.arguments)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    for options in (
        {"input": [result], "previous_response_id": first.id},
        {"input": [{"role": "user", "content": "What is the weather?"}, call, result]},
    ):
        second = respond(v1, base, **options)
        assert second.output_text
        assert second.usage.input_tokens > first.usage.input_tokens


def test_a_streamed_call_in_a_response(v1: OpenAI, base: str) -> None:
    events = list(respond(v1, base, tool_choice="required", temperature=0, stream=True))
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    call = events[-1].response.output[0]
    assert "".join(deltas) == call.arguments
    assert all(deltas)
    added = events[2].item
    assert (added.name, added.arguments, added.call_id) == (call.name, "", call.call_id)
    assert fits(call.name, call.arguments)


# ---- refused ----------------------------------------------------------------------------------


def tool(**function: Any) -> Any:
    return {"tools": [{"type": "function", "function": function}]}


UNCLOSED = {**ADD, "strict": True, "parameters": {"type": "object", "properties": {"a": {}}}}


@pytest.mark.parametrize(
    ("wrong", "param", "said"),
    [
        ({"tool_choice": "required", "tools": []}, "tool_choice", "must be specified with 'tools'"),
        ({"tool_choice": {"function": {"name": "x"}}}, "tool_choice", "not found in 'tools'"),
        ({"tool_choice": "sometimes"}, "tool_choice", "none, auto, required"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "functions only"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "Missing required"),
        ({"tools": [{"function": ADD}]}, "tools[0].type", "Missing required"),
        (tool(name="a b"), "tools[0].function.name", "characters"),
        ({"tools": TOOLS * 65}, "tools", "at most 128"),
        (tool(**UNCLOSED), "tools[0].function.parameters", "'additionalProperties'"),
    ],
)  # fmt: skip
def test_what_is_refused(v1: OpenAI, base: str, wrong: Any, param: str, said: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(v1, base, **wrong)
    assert refusal.value.param == param
    assert said in refusal.value.message


def test_a_loose_schema_is_taken_as_far_as_it_is_known(v1: OpenAI, base: str) -> None:
    """Clients send whole schemas; only strict ones are held to every word."""
    loose = {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["a"],
        "if": {},
    }
    tools = [{"type": "function", "function": {"name": "f", "parameters": loose}}]
    call = ask(v1, base, tools=tools, tool_choice="required").message.tool_calls[0]
    assert isinstance(json.loads(call.function.arguments)["a"], bool)
