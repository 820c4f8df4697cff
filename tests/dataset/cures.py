"""A line for each cause that the check tells apart: what is found, what of its message and of its
cure must be said."""

from typing import Any

from tests.dataset.builders import ANSWER, ASKS, CALL, GOOD, TOLD, TOOL, USER, line, talk
from tests.dataset.cures_of_images import IMAGES
from tests.dataset.cures_of_json import JSON, Cure


def shaped(**keys: object) -> bytes:
    return line(keys)


def calls(**changes: object) -> bytes:
    return talk(USER, {**ASKS, "tool_calls": [{**CALL, **changes}]}, tools=[TOOL])


def without(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k != key}


PARTS = [{"type": "text", "text": "42"}]
FUNCTION = TOOL["function"]
CALLED = {"role": "assistant", "content": None, "function_call": CALL["function"]}
SYSTEM = {"role": "system", "content": "Be brief."}

FORMATS = [
    Cure(
        "messages-missing",
        shaped(prompt=[USER], chosen=[ANSWER], rejected=[ANSWER]),
        "`chosen` and `rejected`",
        "input (with",
    ),
    Cure("messages-missing", shaped(conversations=[]), "`conversations`", "ShareGPT"),
    Cure("messages-missing", shaped(contents=[]), "`contents`", "Gemini"),
    Cure("messages-missing", shaped(instruction="a", output="b"), "`instruction`", "Alpaca"),
    Cure("messages-missing", shaped(custom_id="1", body={}), "`body`", "batch API"),
    Cure("messages-missing", shaped(prompt="a", completion="b"), "`prompt`", "old format"),
    Cure(
        "messages-missing",
        shaped(question="a", answer="b"),
        "`question` and `answer`",
        "question a",
    ),
    Cure("messages-missing", shaped(input="a", output="b"), "`input` and `output`", "input a user"),
    Cure("messages-missing", shaped(user="a", assistant="b"), "`user` and", "key is the role"),
    Cure("unknown-key", line({**GOOD, "system": "x"}), '"system"', "the first message"),
    Cure("messages-missing", shaped(text="a"), "`text`", "pre-training"),
    Cure("messages-missing", shaped(message=[]), "no `messages`", 'Rename "message" to messages'),
    Cure("messages-missing", shaped(messages=None), "`messages` is null", 'Write {"messages"'),
    Cure("messages-missing", shaped(messages="Hi"), '`messages` is "Hi"', 'Write {"messages"'),
    Cure("unknown-key", line({**GOOD, "temperature": 0}), '"temperature"', "a chat request"),
    Cure("unknown-key", line({**GOOD, "function_call": "auto"}), '"function_call"', "chat request"),
    Cure("unknown-key", line({**GOOD, "source": "x"}), '"source"', "Remove it"),
    Cure("unknown-key", talk(USER, {**ANSWER, "wieght": 1}), '"wieght"', "Did you mean weight?"),
    Cure("unknown-key", talk({"from": "human", "content": "Hi"}, ANSWER), '"from"', "from to role"),
    Cure(
        "unknown-key", talk({"role": "user", "value": "Hi"}, ANSWER), '"value"', "value to content"
    ),
    Cure("unknown-key", talk({"role": "user", "text": "Hi"}, ANSWER), '"text"', "text to content"),
    Cure("unknown-key", talk({"role": "user", "parts": []}, ANSWER), '"parts"', "Gemini"),
    Cure("no-assistant", line({"messages": [USER], "reference": "Ho."}), "assistant", "grader"),
    Cure("no-assistant", talk(USER), "assistant", "Add the answer"),
    Cure(
        "last-not-assistant",
        line({"messages": [USER, ANSWER, USER], "answer": "Ho."}),
        "from the user",
        "grader",
    ),
]
ROLES = [
    Cure("role-unknown", talk({**USER, "role": name}, ANSWER), f'"{name}"', f"Write {meant}")
    for name, meant in {
        **dict.fromkeys(("human", "Human"), "user"),
        **dict.fromkeys(("ai", "gpt", "bot", "model"), "assistant"),
        "observation": "tool",
    }.items()
] + [
    Cure("role-unknown", talk({**USER, "role": "User"}, ANSWER), '"User"', "Did you mean user?"),
    Cure("role-unknown", talk({**USER, "role": None}, ANSWER), "null", "Use one of"),
    Cure("role-unknown", talk({"content": "Hi"}, ANSWER), "no role", "Use one of"),
    Cure(
        "role-unknown",
        talk(
            USER,
            CALLED,
            {"role": "function", "name": "look", "content": "4"},
            ANSWER,
            functions=[FUNCTION],
        ),
        '"function"',
        "of the role tool",
    ),
]
VALUES = [
    Cure(
        "weight-invalid", talk(USER, {**ANSWER, "weight": "1"}), 'weight is "1".', "without quotes"
    ),
    Cure("weight-invalid", talk(USER, {**ANSWER, "weight": None}), "weight is null.", "Use 0"),
    Cure("weight-invalid", talk(USER, {**ANSWER, "weight": True}), "weight is true.", "Use 0"),
    Cure(
        "weight-invalid",
        talk(USER, {**ANSWER, "weight": {"z": 1, "a": [None, "x"]}}),
        '{"z": 1, "a": [null, "x"]}',
        "Use 0",
    ),
    Cure(
        "content-empty",
        talk({**SYSTEM, "content": ""}, USER, ANSWER),
        'system\'s content is ""',
        "on purpose",
    ),
    Cure("content-missing", talk({"role": "user"}, ANSWER), "is missing", "Give it a text"),
    Cure("content-missing", talk(USER, {**ANSWER, "content": None}), "content is null", "Give it"),
    Cure("content-invalid", talk(USER, {**ANSWER, "content": 42}), "content is 42", "Write a text"),
    Cure(
        "content-invalid",
        talk(USER, {**ANSWER, "content": ["garden"]}),
        'A part is "garden"',
        "Write a text",
    ),
    Cure(
        "content-invalid",
        talk(USER, {**ANSWER, "content": [{"text": "x"}]}),
        "part has no type",
        "Write a text",
    ),
    Cure(
        "content-invalid",
        talk(USER, {**ANSWER, "content": [{"type": "output_text"}]}),
        'type is "output_text"',
        "write text for output_text",
    ),
    Cure(
        "content-invalid",
        talk(USER, {**ASKS, "content": "null"}, tools=[TOOL]),
        'text "null"',
        "without quotes",
    ),
    Cure(
        "content-invalid",
        talk(USER, ASKS, {**TOLD, "content": PARTS}, ANSWER, tools=[TOOL]),
        "list of 1 part",
        "as one text",
    ),
    Cure(
        "content-invalid",
        talk(USER, ASKS, {**TOLD, "content": {"at": 1}}, ANSWER, tools=[TOOL]),
        "tool's content is",
        "as json.dumps does",
    ),
    Cure("name-invalid", talk({**USER, "name": 7}, ANSWER), "name is 7", "Correct it"),
    Cure(
        "image-invalid",
        talk(
            {"role": "user", "content": [{"type": "image_url", "image_url": {"uri": "x"}}]}, ANSWER
        ),
        "no `url`",
        "image_url",
    ),
]


def declared(**properties: object) -> bytes:
    function = {"name": "look", "parameters": {"type": "object", "properties": properties}}
    return line({**GOOD, "tools": [{"type": "function", "function": function}]})


SCHEMAS = [
    Cure("schema-invalid", declared(**schema), wrong, cure)
    for schema, wrong, cure in (
        ({"at": {"type": "str"}}, 'parameters.properties.at.type is "str"', "string for str"),
        ({"at": {"type": ["STRING", "null"]}}, '"STRING", not', "Write string for STRING"),
        ({"at": {"type": "any"}}, '"any"', "JSON schema"),
        ({"at": {"type": 7}}, "type is 7", "JSON schema"),
        ({"at": {"required": "a"}}, 'required is "a", not a list', "JSON schema"),
        ({"at": {"items": {"enum": 7}}}, "items.enum is 7, not a list", "JSON schema"),
        ({"at": {"anyOf": [{"type": "int"}]}}, "anyOf[0].type", "integer for int"),
        ({"at": "string"}, 'at is "string", not a schema', "JSON schema"),
    )
]
CALLS = [
    Cure("inner-key-unknown", calls(index=0), '"index"', "Remove it"),
    Cure("tools-invalid", line({**GOOD, "tools": [FUNCTION]}), "Tool 0 has no `type`", "Write"),
    Cure(
        "tools-invalid", line({**GOOD, "tools": [{"type": "function"}]}), "no `function`", "Write"
    ),
    Cure(
        "tools-invalid",
        line({**GOOD, "tools": [{**TOOL, "type": "tool"}]}),
        '"tool" as its `type`',
        "Write",
    ),
    Cure("tools-invalid", line({**GOOD, "functions": ["look"]}), 'Function 0 is "look"', "Write"),
    Cure("tool-call-invalid", calls(id=None), "null as its `id`", "Write"),
    Cure("tool-call-invalid", calls(type="tool"), '"tool" as its `type`', "Write"),
    Cure(
        "tool-call-invalid", calls(function={"arguments": "{}"}), "function has no `name`", "Write"
    ),
    Cure("arguments-not-json", calls(function={"name": "look"}), "no arguments", "in a string"),
    Cure(
        "arguments-not-json",
        calls(function={"name": "look", "arguments": {"at": "x"}}),
        '{"at": "x"}',
        "Write the object as a text",
    ),
    Cure(
        "arguments-mismatch",
        calls(function={"name": "look", "arguments": '{"at": null}'}),
        "arguments.at is null, not string",
        "Correct",
    ),
    Cure(
        "answer-without-call",
        talk(USER, ASKS, {**TOLD, "tool_call_id": ""}, ANSWER, tools=[TOOL]),
        'tool_call_id is ""',
        'Write "c1"',
    ),
    Cure(
        "answer-without-call",
        talk(USER, ASKS, without(TOLD, "tool_call_id"), ANSWER, tools=[TOOL]),
        "no tool_call_id",
        'Write "c1"',
    ),
    Cure(
        "call-unanswered", talk(USER, ASKS, ANSWER, tools=[TOOL]), "call c1", "Add a tool message"
    ),
    Cure(
        "call-unanswered",
        talk(USER, ASKS, {**ASKS, "tool_calls": [{**CALL, "id": "c2"}]}, tools=[TOOL]),
        "call c1",
        "Join both",
    ),
    Cure(
        "functions-legacy",
        talk(USER, CALLED, functions=[FUNCTION]),
        "`functions` and `function_call`",
        "as `tools`",
    ),
    Cure(
        "functions-legacy",
        line({**GOOD, "functions": [FUNCTION]}),
        "has `functions`.",
        "as `tools`",
    ),
    Cure(
        "arguments-not-json",
        talk(
            USER,
            {**CALLED, "function_call": {"name": "look", "arguments": {}}},
            functions=[FUNCTION],
        ),
        "arguments are {}",
        "as a text",
    ),
    Cure(
        "tool-undeclared",
        talk(
            USER,
            {**CALLED, "function_call": {"name": "count", "arguments": "{}"}},
            functions=[FUNCTION],
        ),
        "count is called",
        "in `functions`",
    ),
    Cure(
        "tool-call-invalid",
        talk(USER, {**CALLED, "function_call": "auto"}, functions=[FUNCTION]),
        '"auto"',
        "Write",
    ),
    Cure(
        "tool-call-misplaced",
        talk({**USER, "function_call": CALL["function"]}, ANSWER, functions=[FUNCTION]),
        '"user" calls',
        "Move",
    ),
]
CURES = [*JSON, *FORMATS, *ROLES, *VALUES, *IMAGES, *SCHEMAS, *CALLS]
