"""What is found in a bad dataset, and that any bytes at all are survived."""

import json
import random

import pytest

from shared.dataset.reading.examples import FileRole
from tests.dataset.builders import ANSWER, ASKS, GOOD, TOLD, TOOL, USER, good, line, scan, talk


def found(content: bytes) -> list[tuple[str, int | None, int | None]]:
    return [
        (f.id, f.line, f.message_index) for f in scan(content).findings if f.severity != "advice"
    ]


def test_chunk_borders_do_not_matter() -> None:
    bad = b'{"broken": \n' + "ü\xff".encode("latin-1") + b"\n" + line(GOOD)
    content = b"\xef\xbb\xbf" + good(9) + bad
    whole = scan(content)
    for chunk in (1, 7, 64):
        parts = scan(content, chunk=chunk)
        assert parts.findings == whole.findings
        assert (parts.sha256, parts.lines, parts.stats) == (
            whole.sha256,
            whole.lines,
            whole.stats,
        )


def test_a_missing_last_newline_is_fine() -> None:
    assert found(b"\xef\xbb\xbf" + good(5) + b"\n\r\n" + good(12).rstrip()[len(good(5)) :]) == []
    assert scan(good(12).rstrip()).examples == 12


def test_a_file_of_blank_lines_is_empty() -> None:
    assert found(b"\n \n") == [("empty", None, None)]


def test_a_validation_set_may_be_small() -> None:
    assert "too-few-examples" not in scan(good(1), role=FileRole.VALIDATION).counts


@pytest.mark.parametrize(
    ("bad", "id"),
    [
        (b'{"messages": [\n', "not-json"),
        (b'{"messages": "\xe9"}\n', "not-utf8"),
        (b"[1, 2]\n", "not-object"),
        (b"[" * 100_000 + b"\n", "not-json"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"\n", "not-json"),
        (b'{"prompt": "Hi", "completion": "Ho"}\n', "messages-missing"),
    ],
)
def test_a_broken_line_is_named_and_the_rest_is_still_read(bad: bytes, id: str) -> None:
    result = scan(good(5) + bad + good(12)[len(good(5)) :])
    assert [(f.id, f.line) for f in result.findings if f.severity == "error"] == [(id, 6)]
    assert result.examples == 13
    assert result.broken


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], ("messages-missing", 11, None)),
        (["Hi", ANSWER], ("message-not-object", 11, 0)),
        ([{"role": "bot", "content": "Hi"}, ANSWER], ("role-unknown", 11, 0)),
        ([{"content": "Hi"}, ANSWER], ("role-unknown", 11, 0)),
        ([{"role": "user"}, ANSWER], ("content-missing", 11, 0)),
        ([{"role": "user", "content": None}, ANSWER], ("content-missing", 11, 0)),
        ([{"role": "user", "content": "  "}, ANSWER], ("content-empty", 11, 0)),
        ([USER, {"role": "assistant", "content": None}], ("content-missing", 11, 1)),
        ([ANSWER, USER], ("last-not-assistant", 11, 1)),
        ([{**USER, "weight": 1}, ANSWER], ("weight-misplaced", 11, 0)),
        ([USER, {**ANSWER, "weight": 0.5}], ("weight-invalid", 11, 1)),
        ([USER, {**ANSWER, "weight": True}], ("weight-invalid", 11, 1)),
    ],
)
def test_each_mistake_of_a_message(
    messages: list[object], expected: tuple[str, int, int | None]
) -> None:
    assert found(good(10) + talk(*messages)) == [expected]


def test_a_conversation_with_tools_is_fine() -> None:
    assert found(good(10) + talk(USER, ASKS, TOLD, ANSWER, tools=[TOOL])) == []


def test_weights_that_leave_something_to_learn_are_fine() -> None:
    again = {**USER, "content": "And then?"}
    weighted = talk(USER, {**ANSWER, "weight": 0}, again, {**ANSWER, "weight": 1})
    assert found(good(10) + weighted) == []


def test_a_repeated_key_is_named_among_plain_lines() -> None:
    twice = line(GOOD).replace(b'"content": "Ho."', b'"content": "Hm.", "content": "Ho."')
    weighted = talk(USER, {**ANSWER, "weight": 1}).replace(b'"weight"', b'"weight": 0, "weight"')
    findings = scan(good(10) + twice + weighted).findings
    messages = [finding.message for finding in findings if finding.severity == "error"]
    assert messages == ['The key "content" stands twice.', 'The key "weight" stands twice.']
    quoted = talk({**USER, "content": '"role": "content"'}, {**ANSWER, "content": "role"})
    assert found(good(10) + quoted) == []


def test_any_json_is_survived() -> None:
    """Whatever the values are, a check complains or is silent; it never raises."""
    chance = random.Random(7)
    values: list[object] = [
        *(None, 0, 1.5, True, "", "x", [], {}, [[]], {"role": []}, [None], {"content": {}}),
        *("user", "assistant", "tool", "function", ASKS["tool_calls"], [TOOL]),
    ]
    keys = ["role", "content", "weight", "tool_calls", "type", "function", "name", "arguments"]
    keys += ["tool_call_id", "image_url", "id", "parameters", "properties", "required", "enum"]

    def anything(depth: int = 0) -> object:
        if depth > 3 or chance.random() < 0.3:
            return chance.choice(values)
        if chance.random() < 0.3:
            return [anything(depth + 1) for _ in range(2)]
        return {key: anything(depth + 1) for key in chance.sample(keys, 3)}

    def example() -> dict[str, object]:
        if chance.random() < 0.3:
            given = {"messages": [anything() for _ in range(2)]}
            return {"input": given, "preferred_output": [anything()], "non_preferred_output": [1]}
        return {"messages": [anything() for _ in range(3)], "tools": anything()}

    content = b"".join(json.dumps(example()).encode() + b"\n" for _ in range(3000))
    assert scan(content).examples == 3000
