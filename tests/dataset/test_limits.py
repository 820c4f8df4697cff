"""What is beyond a limit is reported as not examined, in its line; what lies within is examined."""

import hashlib
import json
import tracemalloc
from typing import Any

import pytest

from shared.catalog import facts
from shared.dataset import scan as scanning
from shared.dataset.checks import tools
from shared.dataset.checks.json_schema import mismatches
from shared.dataset.checks.shape import unknown_keys
from shared.dataset.findings import collector
from shared.dataset.reading import limits, parsing
from shared.dataset.reading.limits import Steps, TooComplex, refuse_many_pieces
from shared.dataset.report.document import as_json
from tests.dataset.builders import (
    ANSWER,
    ASKS,
    CALL,
    GOOD,
    TOOL,
    USER,
    good,
    judged,
    line,
    scan,
    talk,
    varied,
)


def not_examined(content: bytes) -> list[tuple[int | None, str]]:
    return [(f.line, f.message) for f in scan(content).findings if f.id == "not-examined"]


def calling(arguments: object, schema: object, count: int = 1) -> bytes:
    """The model learns to call a tool, which has such parameters, with such arguments."""
    function = {"name": "look", "arguments": json.dumps({"at": arguments})}
    calls = [{**CALL, "id": f"c{n}", "function": function} for n in range(count)]
    parameters = {"type": "object", "properties": {"at": schema}}
    tool = {"type": "function", "function": {"name": "look", "parameters": parameters}}
    return talk(USER, {**ASKS, "tool_calls": calls}, tools=[tool])


def items(**schema: object) -> dict[str, object]:
    return {"type": "array", "items": schema}


def products() -> list[bytes]:
    """Arguments and schemas of some kilobytes that ask for a million comparisons: each value fits
    only the last of many, or is wrong only in its last part."""
    string, nested = {"type": "string"}, items(type="string")
    deep: list[object] = [*["x"] * 299, 0]
    for _ in range(11):
        nested = {"anyOf": [items(**nested), items(**nested)]}
        deep = [deep]
    like = [0] * 299
    return [
        calling([0] * 2_000, items(anyOf=[string] * 2_000 + [{"type": "integer"}])),
        calling(["b"] * 4_000, items(enum=["a"] * 4_000 + ["b"])),
        calling([[*like, 0]] * 99, items(enum=[[*like, 1]] * 399 + [[*like, 0]])),
        calling([0] * 4_000, items(type=["string"] * 4_000 + ["integer"])),
        calling([{"a": 0}] * 4_000, items(required=["a"] * 4_000)),
        calling(deep, nested),
    ]


@pytest.mark.parametrize("bad", products())
def test_arguments_that_ask_for_too_many_comparisons_are_not_examined(bad: bytes) -> None:
    found = scan(good(10) + bad + line(varied(11)))
    places = [f for f in found.findings if f.id == "not-examined"]
    assert [(f.line, f.severity) for f in places] == [(11, "error")]
    assert "comparing arguments with their schema" in places[0].message
    assert found.broken
    assert found.examples == 12
    assert len(found.index.lines) == 11  # what was not examined is in no number


def test_arguments_as_people_write_them_are_compared_to_the_end() -> None:
    schema = {"type": "array", "items": {"anyOf": [{"enum": [n]} for n in range(50)]}}
    fits = calling([n % 50 for n in range(200)], schema)
    counts = scan(good(60) + fits * 3 + calling([0] * 150 + [77], schema)).counts
    assert counts["arguments-mismatch"] == 1
    assert "not-examined" not in counts


def test_steps_come_with_the_bytes_of_the_file() -> None:
    """Each of many lines takes more than its bytes bring, so at last all is used."""
    greedy = calling([0] * 300, items(anyOf=[{"type": "string"}] * 300 + [{"type": "integer"}]))
    found = {g.id: g for g in scan(good(10) + greedy * 60 + good(1) * 10).groups}["not-examined"]
    assert found.lines[0] > 20
    assert found.lines[-1] == 70
    assert "more steps than a file of this size has" in found.places[-1].message
    steps = Steps()
    steps.spend(limits.MOST_STEPS, "it")
    with pytest.raises(TooComplex, match="500,000 steps"):
        steps.spend(1, "it")
    steps.begin_line()
    steps.spend(1, "it")


def test_no_more_is_compared_than_the_answer_needs() -> None:
    steps = Steps()
    options = {"anyOf": [{"type": "array"}, *[{"type": "string"}] * 10_000]}
    assert list(mismatches([0] * 10, {"items": options, "anyOf": [options]}, "it", steps))
    assert next(mismatches([0] * 9, {"items": {"type": "string"}}, "it", steps)) == (
        "it[0] is 0, not string."
    )
    before, most = steps._line, 1_000
    eager = {"anyOf": [{"items": {"type": "string"}}] * 100}
    assert list(mismatches([0] * 1_000, eager, "it", steps))
    assert before - steps._line < most  # each alternative is left at its first mismatch
    odd = {"required": [[], {}, 3], "properties": {"a": {"enum": [1]}}}
    assert list(mismatches({"a": 2}, odd, "it", Steps())) == ["it.a is 2, not one of [1]."]


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'"a",', b'{"a":0},', b"[0,0],", b'"\\"",'])
def test_a_line_of_many_small_values_is_not_read(piece: bytes) -> None:
    many = b'{"messages": [' + piece * 250_000 + b"0]}\n"
    assert not_examined(good(10) + many + good(1)) == [
        (11, "The line was not examined: it has more than 200,000 values.")
    ]


def test_signs_within_a_text_are_no_values() -> None:
    text = '[{,]}"\\' * 150_000
    assert set(scan(good(60) + talk({**USER, "content": text}, ANSWER)).counts) <= {
        "example-too-long",
        "answer-outlier",
    }
    refuse_many_pieces(b'"' + b"\\" * 1_000_001 + b'"' + b"," * 150_000)


def test_arguments_of_many_small_values_are_not_read() -> None:
    assert not_examined(good(10) + calling([[]] * 250_000, {})) == [
        (11, "The line was not examined: a call's arguments has more than 200,000 values.")
    ]


def test_texts_are_examined_up_to_a_size() -> None:
    within, beyond = "ab c" * 990_000, "ü" * 2_100_000
    content = good(10) + talk({**USER, "content": within}, ANSWER)
    content += talk({**USER, "content": beyond}, ANSWER)
    content += talk({**USER, "content": f"data:{'ab c' * 1_100_000}"}, ANSWER)
    said = "The line was not examined: its texts have more than 4,000,000 bytes."
    assert not_examined(content) == [(12, said), (13, said)]


def test_an_embedded_image_is_no_text() -> None:
    url = f"data:image/png;base64,iVBORw0KGgo{'A' * 6_000_000}"
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    assert scan(good(60) + talk(image, ANSWER)).counts == {"answer-outlier": 1}


def test_a_long_line_that_is_not_plain_json_is_not_read_with_care() -> None:
    url = f"data:image/png;base64,{'A' * 8_000_000}"
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    twice = talk(image, ANSWER).replace(b'"role"', b'"role": "user", "role"', 1)
    content = good(10) + twice + talk(image, ANSWER).replace(b"]}", b",]}") + b"x" * 9_000_000
    said = not_examined(content)
    assert [number for number, _ in said] == [11, 12, 13]
    assert all("it is not plain JSON" in message for _, message in said)


def test_a_line_with_very_many_mistakes_is_left_after_some() -> None:
    many = line({"messages": [{"role": "b", "content": 3, "x": 1}] * 24_000})
    counts = scan(good(10) + many + line({"messages": [3]})).counts
    found = counts["role-unknown"] + counts["content-invalid"] + counts["unknown-key"]
    assert found == limits.MOST_STEPS // limits.PER_FINDING
    assert counts["message-not-object"] == 1
    assert counts["not-examined"] == 1


def test_lines_beyond_the_last_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MOST_LINES", 20)
    content = good(25) + b"nonsense\n"
    for chunk in (100, 1 << 20):
        found = scan(content, chunk=chunk)
        assert (found.lines, found.examples, len(found.index.lines)) == (20, 20, 20)
        assert [(f.line, f.message) for f in found.findings if f.severity == "error"] == [
            (21, "Nothing was examined from line 21 on: a file may have 20 lines.")
        ]
        assert found.size == len(content)
    assert "not-examined" not in scan(good(20)).counts


def test_what_no_service_takes_is_not_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "FILES", facts.FILES._replace(largest_file=300_000))
    content = good(3000)
    found = scan(content, chunk=10_000)
    assert found.counts["file-too-large"] == found.counts["not-examined"] == 1
    assert found.examples < 3000
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_what_is_remembered_of_tools_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = tools._Remembered()
    monkeypatch.setattr(tools, "_remembered", remembered)
    for number in range(300):
        named: dict[str, object] = {
            **TOOL,
            "function": {"name": "look", "description": f"{number}" * 9_000},
        }
        scan(talk(USER, ASKS, tools=[named]) + talk(USER, ASKS, tools=[{**named, "x": 1}]))
        assert sum(map(len, remembered._known)) <= remembered.size <= tools.REMEMBERED
    assert 0 < len(remembered._known) < 200
    for small in ([0] * 10_000, ["x" * 200_000]):
        before = dict(remembered._known)
        scan(line({**GOOD, "tools": small}))
        assert remembered._known == before  # its findings would take more than it


def test_names_that_are_called_are_kept_if_they_can_be_declared() -> None:
    def calls(name: str) -> bytes:
        call = {**CALL, "function": {"name": name, "arguments": '{"at": "x"}'}}
        return talk(USER, {**ASKS, "tool_calls": [call]}, tools=[TOOL])

    reading = scanning.Scan("x")
    for number in range(3000):
        reading.feed(calls(f"n{number}") + calls(f"{number}" + "x" * 1000))
    reading.feed(calls("look"))
    assert 2000 <= len(reading._counts.called) <= 2001
    assert max(map(len, reading._counts.called)) <= 64
    assert "tool-unused" not in reading.finish().counts


def test_line_numbers_are_kept_up_to_a_number_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "ALL_LINES", 50)
    bad = line({"messages": [{"role": "bot", "content": 3, "x": 1}]})
    verdict = judged(bad * 30)
    (file,) = as_json("x", verdict)["files"]
    assert sum(len(group["lines"]) for group in file["groups"]) <= 50
    kept = {group["id"]: (len(group["lines"]), group["complete"]) for group in file["groups"]}
    assert kept["role-unknown"][1] is (kept["role-unknown"][0] == 30)
    assert not all(complete for _, complete in kept.values())
    assert file["counts"]["role-unknown"] == 30


def test_long_words_take_no_memory_many_times_their_length() -> None:
    word = "".join(map(chr, range(0x4E00, 0x9E00))) * 10
    tracemalloc.start()
    assert list(unknown_keys({word: 1}, ("role",)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(word)


@pytest.mark.parametrize("word", ["k" * 3_000_000, "ü" * 3_000_000])
def test_long_words_are_not_compared_with_known_ones(word: str) -> None:
    spoken = {"messages": [{"role": word, "content": "a"}]}
    bads: list[dict[str, Any]] = [{**GOOD, word: 1}, {word: []}, spoken]
    for bad in bads:
        found = [f for f in scan(line(bad)).findings if f.severity == "error"]
        assert found
        assert all(len(f.message) < 500 for f in found)
        assert not any("Did you mean" in f.fix for f in found)


def test_halves_and_numbers_are_found_without_writing_the_line_again() -> None:
    half = line(GOOD).replace(b"Ho", b"\\ude00\\ud83d\\ude00 H\\ud83d")
    found = {f.id: f for f in scan(good(10) + half).findings if f.severity == "error"}
    assert found["lone-surrogate"].message == "The escape \\ude00 has lost its other half."
    value, findings, _ = parsing.parse(b'{"\\ud800": ["\\udfff", {"a": "\\ud83d\\ude00"}]}')
    assert value == {"?": ["?", {"a": "😀"}]}
    assert [finding.id for finding in findings] == ["lone-surrogate"]
    _, findings, _ = parsing.parse(b'{"a": [NaN, -1e999]}')
    assert [finding.id for finding in findings] == ["not-a-number"]


@pytest.mark.parametrize("letter", ["x", "{}", '{"messages": [], "a": 1}', "[" * 30 + "1"])
def test_what_is_wrong_is_told_of_so_many_lines_only(letter: str) -> None:
    """To tell what is wrong with a line of a letter takes a hundred times as long as to read it."""
    broken = f"{letter}\n".encode()
    content = good(10) + broken * limits.MOST_BROKEN + good(20) + broken * 5_000 + b"\n" + good(1)
    for chunk in (1 << 20, 9_999):
        found = scan(content, chunk=chunk)
        left = [f for f in found.findings if f.id == "not-examined"]
        assert [(f.line, f.severity) for f in left] == [(limits.MOST_BROKEN + 31, "error")]
        assert "10,000 lines before this one have errors" in left[0].message
        assert found.lines == limits.MOST_BROKEN + 5_032
        assert found.examples == limits.MOST_BROKEN + 5_031
        assert len(found.index.lines) == 31  # what is plain is examined to the end
        assert max(found.counts[f.id] for f in found.findings) == limits.MOST_BROKEN


def test_lines_that_are_only_unusual_are_examined_to_the_end() -> None:
    unusual = line({**GOOD, "parallel_tool_calls": False})
    found = scan(good(10) + unusual * (limits.MOST_BROKEN + 5) + b"x\n")
    assert found.counts["not-json"] == 1
    assert "not-examined" not in found.counts
    assert len(found.index.lines) == limits.MOST_BROKEN + 15
