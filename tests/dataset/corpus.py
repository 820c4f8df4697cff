"""A bad file for every finding: what it is made of, and the line that must be named."""

import gzip
from typing import Any, NamedTuple

from shared.dataset.measure.cost import TrainingPlan
from tests.dataset.builders import (
    ANSWER,
    ASKS,
    CALL,
    GOOD,
    TOLD,
    TOOL,
    USER,
    good,
    line,
    talk,
    varied,
)


class Case(NamedTuple):
    id: str
    training: bytes
    line: int | None = 11
    validation: bytes | None = None
    plan: TrainingPlan = TrainingPlan()


def after_good(bad: bytes) -> bytes:
    return good(10) + bad


def dpo(preferred: object, other: object, given: object = None) -> bytes:
    given = {"messages": [USER]} if given is None else given
    return line({"input": given, "preferred_output": preferred, "non_preferred_output": other})


def image(url: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": [{"type": "image_url", "image_url": {"url": url}}]}


def with_call(**changes: object) -> bytes:
    """The model learns to call; nothing comes after it."""
    call = {**CALL, "function": {**CALL["function"], **changes}}  # type: ignore[dict-item]
    return talk(USER, {**ASKS, "tool_calls": [call]}, tools=[TOOL])


LONG = "word " * 70_000
ADDRESS = "jane.doe@contoso-mail.com"
KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
TEXT = (
    "The old lighthouse keeper walked slowly along the northern shore every morning, counting "
    "gulls, mending nets, and telling the same three stories to anybody who would stop and listen."
)
NEAR = talk({**USER, "content": TEXT}, {**ANSWER, "content": f"{TEXT} He still does today."})
NEARER = NEAR.replace(b"three stories", b"four stories", 1)
SYSTEM = {"role": "system", "content": "Be brief."}
VISION = TrainingPlan(base_model="gpt-4.1-2025-04-14")  # takes images
SIX_PIXELS = "data:image/png;base64,iVBORw0KGgo="
CACHED = {"type": "text", "text": "Ho.", "cache_control": {"type": "ephemeral"}}
WRONG_TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"properties": {"at": {"type": "str"}}}},
}

CASES = [
    # ---- the file
    Case("empty", b"", None),
    Case("too-few-examples", good(9), None),
    Case("few-examples", good(12), None),
    Case("compressed", gzip.compress(good(12)), None),
    Case("compressed", b"PK\x03\x04" + good(12), None),
    Case("compressed", b"PAR1" + good(12), None),
    Case("utf16", good(12).decode().encode("utf-16"), None),
    Case("utf16", good(12).decode().encode("utf-16-le"), None),
    Case("not-utf8", after_good('{"messages": "é"}\n'.encode("latin-1"))),
    Case("blank-line", after_good(b"\r\n")),
    Case("not-examined", after_good(b'{"messages": [' + b"{}, " * 100_000 + b"{}]}\n")),
    Case("mixed-formats", after_good(dpo([ANSWER], [{**ANSWER, "content": "Hm."}]))),
    Case("wrong-format", good(12), None, plan=TrainingPlan(method="dpo")),
    # ---- JSON
    Case("not-json", after_good(b'{"messages": [\n')),
    Case("not-json", after_good(b"[" * 100_000 + b"\n")),
    Case("not-object", after_good(b"[1, 2]\n")),
    Case("not-jsonl", after_good(b"{\n}\n")),
    Case("not-jsonl", b"prompt,completion\nHi,Ho\n", 1),
    Case("not-a-number", after_good(talk(USER, {**ANSWER, "weight": float("nan")}))),
    Case("not-a-number", after_good(b'{"messages": 1e999}\n')),
    Case("duplicate-key", after_good(line(GOOD).replace(b'"role"', b'"role": "user", "role"', 1))),
    Case("duplicate-key", after_good(b'{"messages": [], ' + line(GOOD)[1:])),
    Case(
        "duplicate-key",
        after_good(talk(USER, ASKS, tools=[TOOL]).replace(b'"id"', b'"id": "c0", "id"')),
    ),
    Case("lone-surrogate", after_good(line(GOOD).replace(b"Ho", b"\\ud83d"))),
    Case("unknown-key", after_good(talk(USER, {**ANSWER, "wieght": 1}))),
    Case("unknown-key", after_good(line({**GOOD, "id": 7}))),
    Case("inner-key-unknown", after_good(talk(USER, {**ANSWER, "content": [CACHED]}))),
    Case("inner-key-unknown", after_good(line({**GOOD, "tools": [{**TOOL, "cached": True}]}))),
    # ---- conversations
    Case("messages-missing", after_good(b'{"prompt": "Hi", "completion": "Ho"}\n')),
    Case("messages-missing", after_good(talk())),
    Case("message-not-object", after_good(talk("Hi", ANSWER))),
    Case("role-unknown", after_good(talk({**USER, "role": "bot"}, ANSWER))),
    Case("role-unknown", after_good(talk({"content": "Hi"}, ANSWER))),
    Case("content-missing", after_good(talk(USER, {**ANSWER, "content": " "}))),
    Case("content-missing", after_good(talk({"role": "user"}, ANSWER))),
    Case("content-empty", after_good(talk({**USER, "content": " "}, ANSWER))),
    Case("content-invalid", after_good(talk(USER, {**ANSWER, "content": 42}))),
    Case("content-invalid", after_good(talk({**USER, "content": [{"type": "audio"}]}, ANSWER))),
    Case("name-invalid", after_good(talk({**USER, "name": "Jane Doe"}, ANSWER))),
    Case("no-user", after_good(talk(SYSTEM, ANSWER))),
    Case("no-assistant", after_good(talk(SYSTEM, USER))),
    Case("last-not-assistant", after_good(talk(USER, ANSWER, USER))),
    Case("system-late", after_good(talk(USER, ANSWER, SYSTEM, USER, ANSWER))),
    Case("same-role-twice", after_good(talk(USER, USER, ANSWER))),
    Case("system-twice", after_good(talk(SYSTEM, SYSTEM, USER, ANSWER))),
    # ---- weights
    Case("weight-misplaced", after_good(talk({**USER, "weight": 1}, ANSWER))),
    Case("weight-invalid", after_good(talk(USER, {**ANSWER, "weight": 0.5}))),
    Case("weight-invalid", after_good(talk(USER, {**ANSWER, "weight": True}))),
    Case("nothing-to-learn", after_good(talk(USER, {**ANSWER, "weight": 0}))),
    Case("nothing-to-learn-at-all", talk(USER, {**ANSWER, "weight": 0}) * 10, None),
    # ---- tools
    Case("tools-invalid", after_good(line({**GOOD, "tools": [{"name": "look"}]}))),
    Case("tool-declared-twice", after_good(line({**GOOD, "tools": [TOOL, TOOL]}))),
    Case("tool-call-invalid", after_good(talk(USER, {**ASKS, "tool_calls": [{"id": 7}]}))),
    Case(
        "tool-call-invalid",
        after_good(talk(USER, {**ASKS, "tool_calls": [CALL, CALL]}, tools=[TOOL])),
    ),
    Case(
        "tool-call-misplaced",
        after_good(talk({**USER, "tool_calls": [CALL]}, ANSWER, tools=[TOOL])),
    ),
    Case("arguments-not-json", after_good(with_call(arguments="{at: x}"))),
    Case("arguments-not-json", after_good(with_call(arguments={"at": "x"}))),
    Case("arguments-mismatch", after_good(with_call(arguments='{"at": 7}'))),
    Case("arguments-mismatch", after_good(with_call(arguments="{}"))),
    Case("arguments-mismatch", after_good(with_call(arguments='{"at": "x", "to": "y"}'))),
    Case("tool-undeclared", after_good(talk(USER, ASKS))),
    Case("tool-unused", after_good(line({**GOOD, "tools": [TOOL]})), None),
    Case("call-unanswered", after_good(talk(USER, ASKS, ANSWER, tools=[TOOL]))),
    Case(
        "answer-without-call",
        after_good(talk(USER, ASKS, {**TOLD, "tool_call_id": "c2"}, ANSWER, tools=[TOOL])),
    ),
    Case("schema-invalid", after_good(line({**GOOD, "tools": [WRONG_TOOL]}))),
    Case("functions-legacy", after_good(line({**GOOD, "functions": [TOOL["function"]]}))),
    # ---- images
    Case("image-invalid", after_good(talk(image("ftp://x"), ANSWER)), plan=VISION),
    Case(
        "image-invalid",
        after_good(talk(image("data:image/gif;base64,R0lGOD"), ANSWER)),
        plan=VISION,
    ),
    Case(
        "image-mislabelled",
        after_good(talk(image(SIX_PIXELS.replace("png", "jpeg")), ANSWER)),
        plan=VISION,
    ),
    Case(
        "image-misplaced",
        after_good(talk(USER, image("https://x/y.png", "assistant"))),
        plan=VISION,
    ),
    Case(
        "image-too-large",
        after_good(talk(image(SIX_PIXELS + "A" * 14_000_000), ANSWER)),
        plan=VISION,
    ),
    Case("too-many-images", after_good(talk(*[image(SIX_PIXELS)] * 65, ANSWER)), plan=VISION),
    # ---- preferences
    Case("preference-invalid", after_good(dpo([ANSWER], []))),
    Case("preference-invalid", after_good(dpo([ANSWER], [ANSWER], "Hi"))),
    Case("preference-invalid", after_good(dpo([USER], [ANSWER]))),
    Case("preference-same", after_good(dpo([ANSWER], [ANSWER]))),
    # ---- tokens
    Case("example-too-long", after_good(talk({**USER, "content": LONG}, ANSWER))),
    Case("too-many-tokens", good(12), None, plan=TrainingPlan(epochs=10_000_000)),
    # ---- repetition
    Case("duplicate", after_good(line(varied(3)))),
    Case("near-duplicate", good(9) + NEAR + NEARER),
    Case("conflicting-answers", after_good(talk(varied(3)["messages"][0], ANSWER))),
    Case(
        "constant-prompt",
        b"".join(talk(USER, varied(number)["messages"][1]) for number in range(12)),
        None,
    ),
    Case("leakage", good(12), 2, line(varied(99)) + line(varied(3))),
    Case("leakage-prompt", good(12), 1, talk(varied(3)["messages"][0], ANSWER)),
    Case("leakage-near", good(10) + NEAR, 1, NEARER),
    # ---- privacy
    Case("personal-data", after_good(talk({**USER, "content": f"I am {ADDRESS}"}, ANSWER))),
    Case("personal-data", after_good(talk({**USER, "content": "4111 1111 1111 1111"}, ANSWER))),
    Case(
        "personal-data",
        after_good(talk({**USER, "content": "DE89 3704 0044 0532 0130 00"}, ANSWER)),
    ),
    Case("personal-data", after_good(talk({**USER, "content": "+49 30 1234567"}, ANSWER))),
    Case("secret", after_good(talk({**USER, "content": f"use {KEY}"}, ANSWER))),
    # ---- content
    Case("control-character", after_good(talk(USER, {**ANSWER, "content": "H\x00o."}))),
    Case("broken-text", after_good(talk(USER, {**ANSWER, "content": "CafÃ©."}))),
    Case("special-token", after_good(talk({**USER, "content": "a <|fim_suffix|> b"}, ANSWER))),
    Case("special-token", after_good(talk(USER, ANSWER).replace(b"Ho", b"\\u003C\\u007cim_end|>"))),
    Case("whitespace", after_good(talk(USER, {**ANSWER, "content": "Ho.\n"}))),
    Case("refusal", after_good(talk(USER, {**ANSWER, "content": "I'm sorry, but I can't help."}))),
    Case("answer-cut", after_good(talk(USER, {**ANSWER, "content": "```python\nprint(1)"}))),
    Case("answer-cut", good(30) + talk(USER, {**ANSWER, "content": "and then he"}), 31),
    Case(
        "answer-copies-prompt",
        after_good(talk({**USER, "content": TEXT}, {**ANSWER, "content": TEXT})),
    ),
    Case("answer-outlier", good(30) + talk(USER, {**ANSWER, "content": "yes " * 900 + "."}), 31),
    Case(
        "system-drift",
        talk(SYSTEM, USER, ANSWER) * 9
        + line(GOOD)
        + talk({**SYSTEM, "content": "Be long."}, USER, ANSWER),
    ),
    # ---- the run
    Case("model-unknown", good(12), None, plan=TrainingPlan(base_model="gpt-99")),
    Case("model-not-tunable", good(12), None, plan=TrainingPlan(base_model="o4-mini-2025-04-16")),
    Case("model-not-tunable", good(12), None, plan=TrainingPlan(base_model="gpt-35-turbo-0613")),
    Case("model-not-deployable", good(12), None, plan=TrainingPlan(base_model="Muse-Glimmer-30B")),
    Case("images-not-taken", after_good(talk(image("https://p.example/1.png"), ANSWER)), None),
    Case("over-budget", good(12), None, plan=TrainingPlan(budget=0.0)),
    Case("budget-unknown", good(12), None, plan=TrainingPlan(base_model="Qwen3-32B", budget=5)),
]

# Found only in files or on days that a corpus cannot hold; each has a test of its own.
ELSEWHERE = {
    "file-too-large",
    "file-large",
    "line-too-long",
    "too-many-image-examples",
    "catalog-old",
    "model-doubtful",
    "model-retires",
    "validation-old",
    "files-left-out",
    "nothing-held-out",
}
