"""Lines and files for the tests of the dataset check."""

import json
from datetime import date
from typing import Any

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.dataset.scan import Scan, ScanResult
from shared.dataset.verdict import Verdict, judge

TODAY = date(2026, 11, 22)
USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Ho."}
GOOD = {"messages": [USER, ANSWER]}
_WORDS = """
harbour lantern thistle copper violin meadow orchard granite saddle whistle ember puzzle
canvas feather anchor bramble cinder drizzle falcon glacier hollow ivory juniper kettle
"""
WORDS = _WORDS.split()
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "x"}'}}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {
            "type": "object",
            "properties": {"at": {"type": "string"}},
            "required": ["at"],
            "additionalProperties": False,
        },
    },
}
ASKS: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "42"}


def line(example: object) -> bytes:
    return json.dumps(example).encode() + b"\n"


def talk(*messages: object, **others: object) -> bytes:
    return line({"messages": list(messages), **others})


def varied(number: int) -> dict[str, Any]:
    """A good example that resembles no other."""
    words = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 5, 7, 11, 13, 17, 19, 23)]
    question = f"What do you know of {' '.join(words[:4])} {number}?"
    answer = f"Number {number} is about {' and '.join(words[4:])}, as {number * 37} others are."
    return {"messages": [{**USER, "content": question}, {**ANSWER, "content": answer}]}


def good(count: int) -> bytes:
    return b"".join(line(varied(number)) for number in range(count))


def scan(
    content: bytes,
    *,
    chunk: int = 1 << 20,
    role: FileRole = FileRole.TRAINING,
    plan: TrainingPlan | None = None,
    deep: bool = True,
) -> ScanResult:
    looking = Scan(f"{role}.jsonl", role, plan, deep=deep)
    for start in range(0, len(content), chunk):
        looking.feed(content[start : start + chunk])
    return looking.finish()


def judged(
    training: bytes, validation: bytes | None = None, plan: TrainingPlan | None = None
) -> Verdict:
    plan = plan or TrainingPlan()
    files = [scan(training, plan=plan)]
    if validation is not None:
        files.append(scan(validation, role=FileRole.VALIDATION, plan=plan))
    return judge(files, plan, TODAY)
