"""What a person is told about a bad dataset, and that any bytes at all are survived."""

import json
import random

import pytest

from shared.dataset.scan import Scan, Scanned

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}


def line(example: object) -> bytes:
    return json.dumps(example).encode() + b"\n"


def scan(content: bytes, chunk: int = 1 << 20) -> Scanned:
    looking = Scan("training.jsonl")
    for start in range(0, len(content), chunk):
        looking.feed(content[start : start + chunk])
    return looking.finish()


def found(content: bytes) -> list[tuple[str, int | None, int | None]]:
    return [(f.id, f.line, f.message) for f in scan(content).findings]


def dialogue(*messages: object) -> bytes:
    """Nine good lines and one of these messages: only that one can be complained about."""
    return line(GOOD) * 9 + line({"messages": list(messages)})


USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Ho"}


def test_a_good_file_is_clean() -> None:
    result = scan(line(GOOD) * 10)
    assert (result.examples, result.findings, result.broken) == (10, (), False)


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunk_borders_do_not_matter(chunk: int) -> None:
    content = line(GOOD) * 9 + b'{"broken": \n' + "ü\xff".encode("latin-1") + b"\n" + line(GOOD)
    assert scan(content, chunk) == scan(content)


def test_a_byte_order_mark_blank_lines_and_a_missing_last_newline_are_fine() -> None:
    content = b"\xef\xbb\xbf" + line(GOOD) * 5 + b"\n\r\n" + (line(GOOD) * 5).rstrip()
    assert found(content) == []


def test_an_empty_file() -> None:
    assert found(b"") == [("empty", None, None)]
    assert found(b"\n \n") == [("empty", None, None)]


def test_fewer_than_ten_examples() -> None:
    assert found(line(GOOD) * 9) == [("too-few-examples", None, None)]


@pytest.mark.parametrize(
    ("bad", "id"),
    [
        (b'{"messages": [\n', "not-json"),
        (b'{"messages": "\xe9"}\n', "not-utf8"),
        (b"[1, 2]\n", "not-object"),
        (b"[" * 100_000 + b"\n", "not-json"),
        (b'{"prompt": "Hi", "completion": "Ho"}\n', "messages-missing"),
    ],
)
def test_a_broken_line_is_named_and_the_rest_is_still_read(bad: bytes, id: str) -> None:
    result = scan(line(GOOD) * 5 + bad + line(GOOD) * 5)
    assert [(f.id, f.line) for f in result.findings] == [(id, 6)]
    assert result.examples == 11
    assert result.broken


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([], ("messages-missing", 10, None)),
        (["Hi", ANSWER], ("message-not-object", 10, 0)),
        ([{"role": "bot", "content": "Hi"}, ANSWER], ("role-unknown", 10, 0)),
        ([{"content": "Hi"}, ANSWER], ("role-unknown", 10, 0)),
        ([{"role": "user"}, ANSWER], ("content-missing", 10, 0)),
        ([{"role": "user", "content": "  "}, ANSWER], ("content-missing", 10, 0)),
        ([USER, {"role": "assistant", "content": None}], ("content-missing", 10, 1)),
        ([ANSWER, USER], ("last-not-assistant", 10, 1)),
        ([{**USER, "weight": 1}, ANSWER], ("weight-misplaced", 10, 0)),
        ([USER, {**ANSWER, "weight": 0.5}], ("weight-invalid", 10, 1)),
        ([USER, {**ANSWER, "weight": True}], ("weight-invalid", 10, 1)),
    ],
)
def test_each_fault_of_a_message(
    messages: list[object], expected: tuple[str, int, int | None]
) -> None:
    assert found(dialogue(*messages)) == [expected]


def test_a_tool_call_needs_no_content() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asks = {"role": "assistant", "content": None, "tool_calls": [call]}
    told = {"role": "tool", "tool_call_id": "c1", "content": "42"}
    assert found(dialogue(USER, asks, told, ANSWER)) == []


def test_a_million_faults_are_counted_and_not_kept() -> None:
    result = scan(b"nonsense\n" * 5000)
    assert result.counts["not-json"] == 5000
    assert len(result.findings) == 1000


def test_any_json_is_survived() -> None:
    """Whatever the values are, a check complains or is silent; it never raises."""
    chance = random.Random(7)
    values: list[object] = [
        None,
        0,
        1.5,
        True,
        "",
        "x",
        [],
        {},
        [[]],
        {"role": []},
        [None],
        {"content": {}},
    ]

    def anything(depth: int = 0) -> object:
        if depth > 2 or chance.random() < 0.4:
            return chance.choice(values)
        keys = ["role", "content", "weight", "tool_calls"]
        return {key: anything(depth + 1) for key in chance.sample(keys, 2)}

    examples = ({"messages": [anything() for _ in range(3)]} for _ in range(2000))
    assert scan(b"".join(map(line, examples))).examples == 2000
