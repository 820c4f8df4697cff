"""Records of other formats with what becomes of them, and the command that converts them."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from tunedrop.__main__ import cli

SYSTEM = {"role": "system", "content": "Be brief."}
ASKED = {"role": "user", "content": "How high is it?"}
SAID = {"role": "assistant", "content": "Ten metres."}
WORSE = {"role": "assistant", "content": "Who knows."}
HUMAN, GPT = {"from": "human", "value": "How high is it?"}, {"from": "gpt", "value": "Ten metres."}
CHAT: dict[str, Any] = {"messages": [ASKED, SAID]}
PREFERENCE: dict[str, Any] = {
    "input": {"messages": [ASKED]},
    "preferred_output": [SAID],
    "non_preferred_output": [WORSE],
}
LOOK: dict[str, Any] = {"name": "look", "parameters": {"type": "object", "properties": {}}}
TOOL: dict[str, Any] = {"type": "function", "function": LOOK}
Call = dict[str, Any]
Forms = list[tuple[Any, Any]]  # a record, and the example that it becomes


def call(number: int, arguments: str = '{"at": 1}') -> Call:
    function = {"name": "look", "arguments": arguments}
    return {"id": f"call_{number}", "type": "function", "function": function}


def convert(path: Path, *options: object) -> tuple[Result, list[Any]]:
    """The result, and the examples that were written; none where nothing was."""
    out = path.with_name("out.jsonl")
    out.unlink(missing_ok=True)
    arguments = ["convert", str(path), "--out", str(out), *map(str, options)]
    done = CliRunner().invoke(cli, arguments)
    lines = out.read_bytes().splitlines() if out.exists() else []
    return done, [json.loads(line) for line in lines]


def written(tmp_path: Path, *records: object) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


SHAREGPT: Forms = [
    ({"conversations": [HUMAN, GPT]}, CHAT),
    ({"conversations": [{"role": "user", "content": ASKED["content"]}, SAID]}, CHAT),
    ({"conversations": [ASKED, GPT]}, CHAT),  # both ways in one
    ({"messages": [HUMAN, {"from": "assistant", "value": "Ten metres."}]}, CHAT),
    ({"conversations": [HUMAN, GPT], "system": "Be brief."}, {"messages": [SYSTEM, ASKED, SAID]}),
    ({"conversations": [HUMAN, GPT], "system": ""}, CHAT),
    (
        {"conversations": [{"from": "system", "value": "Be brief."}, HUMAN, GPT, HUMAN, GPT]},
        {"messages": [SYSTEM, ASKED, SAID, ASKED, SAID]},
    ),
    (
        {
            "conversations": [
                HUMAN,
                {"from": "function_call", "value": '{"name": "look", "arguments": {"at": 1}}'},
                {"from": "observation", "value": "10"},
                GPT,
            ],
            "tools": json.dumps([LOOK]),
        },
        {
            "messages": [
                ASKED,
                {"role": "assistant", "content": None, "tool_calls": [call(1)]},
                {"role": "tool", "tool_call_id": "call_1", "content": "10"},
                SAID,
            ],
            "tools": [TOOL],
        },
    ),
]
ALPACA: Forms = [
    ({"instruction": "How high is it?", "output": "Ten metres."}, CHAT),
    ({"instruction": "How high is it?", "input": "", "output": "Ten metres."}, CHAT),
    ({"instruction": "How high is it?", "input": None, "output": "Ten metres."}, CHAT),
    (
        {"instruction": "Add.", "input": "1, 2", "output": "3"},
        {
            "messages": [
                {"role": "user", "content": "Add.\n\n1, 2"},
                {"role": "assistant", "content": "3"},
            ]
        },
    ),
    (
        {
            "instruction": "How high is it?",
            "output": "Ten metres.",
            "system": "Be brief.",
            "history": [["How high is it?", "Ten metres."]],
        },
        {"messages": [SYSTEM, ASKED, SAID, ASKED, SAID]},
    ),
]
COMPLETION: Forms = [
    ({"prompt": "How high is it?", "completion": "Ten metres."}, CHAT),
    ({"prompt": [ASKED], "completion": [SAID]}, CHAT),
    ({"prompt": "How high is it?", "completion": [SAID]}, CHAT),
    (
        {"prompt": "How high is it?", "completion": "Ten metres.", "system": "Be brief."},
        {"messages": [SYSTEM, ASKED, SAID]},
    ),
]
TRL: Forms = [
    ({"prompt": "How high is it?", "chosen": "Ten metres.", "rejected": "Who knows."}, PREFERENCE),
    ({"prompt": [ASKED], "chosen": [SAID], "rejected": [WORSE]}, PREFERENCE),
    ({"chosen": [ASKED, SAID], "rejected": [ASKED, WORSE]}, PREFERENCE),
    (
        {"prompt": "How high is it?", "chosen": [ASKED, SAID], "rejected": [ASKED, WORSE]},
        PREFERENCE,
    ),
    (
        {
            "conversations": [HUMAN],
            "chosen": GPT,
            "rejected": {"from": "gpt", "value": "Who knows."},
        },
        PREFERENCE,
    ),
    (
        {
            "system": "Be brief.",
            "question": "How high is it?",
            "chosen": "Ten metres.",
            "rejected": "Who knows.",
        },
        {**PREFERENCE, "input": {"messages": [SYSTEM, ASKED]}},
    ),
]
CALLED: Call = {"name": "look", "arguments": '{"at": 1}'}
LEGACY: Forms = [
    (
        {
            "messages": [
                ASKED,
                {"role": "assistant", "function_call": CALLED},
                {"role": "function", "name": "look", "content": "10"},
                {"role": "assistant", "content": None, "function_call": CALLED},
                {"role": "function", "name": "look", "content": "11"},
                SAID,
            ],
            "functions": [LOOK],
        },
        {
            "messages": [
                ASKED,
                {"role": "assistant", "content": None, "tool_calls": [call(1)]},
                {"role": "tool", "tool_call_id": "call_1", "content": "10"},
                {"role": "assistant", "content": None, "tool_calls": [call(2)]},
                {"role": "tool", "tool_call_id": "call_2", "content": "11"},
                SAID,
            ],
            "tools": [TOOL],
        },
    ),
    (
        {"messages": [ASKED, {**SAID, "weight": 1}], "functions": [LOOK]},
        {"messages": [ASKED, {**SAID, "weight": 1}], "tools": [TOOL]},
    ),
]
FORMS: list[tuple[str, Any, Any]] = [
    (name, form[0], form[1])
    for name, forms in {
        "sharegpt": SHAREGPT,
        "alpaca": ALPACA,
        "prompt-completion": COMPLETION,
        "trl-preference": TRL,
        "openai-legacy": LEGACY,
    }.items()
    for form in forms
]
