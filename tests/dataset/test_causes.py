"""Each cause has its own cure, told with the place that is meant; one cause of many lines is told
once."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.dataset.checks import formats
from shared.dataset.findings.collector import CAUSES, DETAILED, FindingGroup
from shared.dataset.findings.quoting import quoted
from shared.dataset.reading import foreign
from shared.dataset.scan import ScanResult
from tests.dataset.builders import ANSWER, ASKS, CALL, TOLD, TOOL, USER, good, line, scan, talk
from tests.dataset.cures import CURES
from tests.dataset.cures_of_json import Cure
from tunedrop.__main__ import cli

run = CliRunner()


def group(found: ScanResult, id: str) -> FindingGroup:
    return next(group for group in found.groups if group.id == id)


def errors(content: bytes) -> set[str]:
    return {finding.id for finding in scan(content).findings if finding.severity == "error"}


@pytest.mark.parametrize("case", CURES, ids=lambda case: f"{case.id}-{case.cure}")
def test_each_cause_has_its_own_cure(case: Cure) -> None:
    found = scan(good(10) + case.content).findings
    here = [one for one in found if one.id == case.id and one.line == 11]
    assert [one for one in here if case.wrong in one.message and case.cure in one.fix], here


def test_every_other_format_has_a_line() -> None:
    found = scan(b"".join(case.content for case in CURES)).findings
    said = {finding.fix for finding in found if finding.id == "messages-missing"}
    assert {one.cure for one in formats._OTHER_FORMATS} <= said


# ---- a file of another kind is one cause


PRETTY = "".join(
    json.dumps({"messages": [USER, ANSWER, {"a": ["x", "y"], "b": 1}]}, indent=2) + "\n"
    for _ in "123"
)


HALF = '{"messages": [\n  {"role": "user", "content": "Hi"},\n  {"role": "assistant"}\n]}\n'


@pytest.mark.parametrize(
    ("content", "count", "cure"),
    [
        (HALF * 3, 12, "on one line"),
        (HALF.replace("[\n", "[").replace("\n]", "]") * 3, 6, "on one line"),
        (PRETTY, PRETTY.count("\n"), "on one line"),
        (json.dumps([{"messages": [USER, ANSWER]}] * 3, indent=1), 38, "without brackets"),
        ("prompt,completion\n" + "Hi,Ho\n" * 20, 21, "CSV"),
        ('question;answer\n"Hi, you";Ho\n"a\nb";c\n', 4, "CSV"),
        ("<!DOCTYPE html>\n<html>\n<body>\n</body>\n</html>\n", 5, "HTML"),
        (good(12).decode().replace("\n", "\r"), 1, "old Macs"),
    ],
    ids=["half", "two", "pretty", "list", "csv", "cells", "html", "mac"],
)
def test_a_file_of_another_kind_is_told_once(content: str, count: int, cure: str) -> None:
    found = scan(content.encode())
    assert [finding.id for finding in found.findings] == ["not-jsonl"]
    (told,) = found.findings
    assert told.line == 1
    assert cure in told.fix
    assert count == 1 or f"{count} lines, from 1 to {count}" in told.message
    assert found.broken
    assert found.examples == 0


def test_lines_that_were_torn_are_told_one_by_one() -> None:
    torn = b'{"messages": [{"role": "user",\n'
    found = scan(torn + good(6) + torn + good(6) + torn)
    assert group(found, "not-json").lines.tolist() == [1, 8, 15]
    assert "not-jsonl" not in found.counts
    assert found.examples == 15
    found = scan(torn + good(6) + torn + HALF.encode() * 2 + good(6))
    assert group(found, "not-json").lines.tolist() == [1]
    assert "9 lines, from 8 to 16" in group(found, "not-jsonl").places[0].message


@pytest.mark.parametrize(("first", "last"), [(b"[\n", b"]\n"), (b"[", b"]\n"), (b"[", b",\n]\n")])
def test_a_list_with_an_example_on_each_line_has_one_cause(first: bytes, last: bytes) -> None:
    """Its last line is an example, where the bracket stands on a line of its own."""
    found = scan(first + good(12).replace(b"}\n", b"},\n", 11).removesuffix(b"\n") + last)
    assert list(found.counts) == ["not-jsonl"]
    found = scan(first + good(12).replace(b"}\n", b"},\n", 11) + last.lstrip(b",\n"))
    assert list(found.counts) == ["not-jsonl"]


@pytest.mark.parametrize(("between", "id"), [(b", ", "not-object"), (b"", "not-json")])
def test_examples_in_one_line_are_not_counted_as_one(between: bytes, id: str) -> None:
    whole = good(12).replace(b"\n", between).removesuffix(b", ")
    found = scan((b"[%s]" % whole if between else whole) + b"\n")
    assert list(found.counts) == [id]
    assert "on a line of its own" in found.findings[0].fix


@pytest.mark.parametrize("text", ['"Hello."', "{}", "[]", '"a", "b"', "Hello, you", "a,b"])
def test_a_line_among_others_is_no_file_of_another_kind(text: str) -> None:
    found = scan(good(10) + text.encode() + b"\n" + good(2))
    assert "not-jsonl" not in found.counts
    assert not [one for one in found.findings if "a piece of JSON" in one.message]


def test_good_lines_in_a_foreign_file_are_read() -> None:
    found = scan(b"prompt,completion\n" + good(12) + b'a,b\n{"messages": []}\n')
    assert found.counts["not-jsonl"] == 1
    assert group(found, "messages-missing").lines.tolist() == [15]
    assert found.examples == 13
    assert foreign.ForeignLines().takes(1, b"a,b") is True


# ---- a group shows each cause


def test_the_cure_of_each_cause_is_printed(tmp_path: Any) -> None:
    file = tmp_path / "bad.jsonl"
    torn = talk(USER, {**ANSWER, "content": "x"})[:-3] + b"\n"
    file.write_bytes(good(10) + torn * 7 + b"{messages: []}\n")
    said = run.invoke(cli, ["check", str(file)]).stdout
    assert "… and 2 more" in said
    assert "Put keys in double quotes." in said
    first, second = said.index(":11:"), said.index(":18:")
    cure = said.index("→", first)
    assert first < cure < second


def test_a_cause_that_comes_late_is_kept() -> None:
    content = good(10) + b"nonsense\n" * (DETAILED + 5) + b"{messages: []}\n"
    found = group(scan(content), "not-json")
    assert len(found.places) == DETAILED + 1
    assert found.places[-1].fix == "Put keys in double quotes."
    assert list(found.causes.values()) == [DETAILED + 5, 1]


def test_causes_are_not_kept_without_end() -> None:
    content = b"".join(talk({**USER, "role": "rol" + "x" * n}, ANSWER) for n in range(3))
    content += b"".join(line({f"messag{n}": []}) for n in range(5 * DETAILED))
    found = group(scan(content), "messages-missing")
    assert len(found.causes) == CAUSES
    assert len(found.places) <= DETAILED + CAUSES


# ---- one cure, the right one


def test_what_follows_an_unanswered_call_is_not_to_be_joined_with_it() -> None:
    counts = scan(good(60) + talk(USER, ASKS, ANSWER, tools=[TOOL])).counts
    assert "call-unanswered" in counts
    assert "same-role-twice" not in counts
    assert "same-role-twice" in scan(good(60) + talk(USER, ANSWER, ANSWER)).counts


FLAT = {"type": "function", "name": "look"}
ANSWERED = {"role": "function", "name": "look", "content": "42"}


@pytest.mark.parametrize(
    ("content", "id"),
    [
        (talk(USER, ASKS, {**TOLD, "tool_call_id": "c2"}, ANSWER, tools=[TOOL]), "answer-without-"),
        (talk(USER, ASKS, {"role": "tool", "content": "42"}, ANSWER, tools=[TOOL]), "answer-with"),
        (talk(USER, ASKS, ANSWERED, ANSWER, tools=[TOOL]), "role-unknown"),
        (
            talk(
                USER,
                {**ASKS, "tool_calls": [{**CALL, "id": None}]},
                TOLD,
                ANSWER,
                tools=[TOOL],
            ),
            "tool-call-invalid",
        ),
        (talk(USER, ASKS, TOLD, ANSWER, tools=[FLAT]), "tools-invalid"),
        (talk(USER, ASKS, TOLD, ANSWER, tools="[]"), "tools-invalid"),
    ],
)
def test_what_follows_from_a_mistake_is_not_told_as_another(content: bytes, id: str) -> None:
    found = [one.id for one in scan(good(10) + content).findings if one.severity == "error"]
    assert len(found) == 1
    assert found[0].startswith(id)


def test_an_empty_part_beside_a_call_is_no_content() -> None:
    asks = {**ASKS, "content": [{"type": "text", "text": ""}]}
    assert not errors(good(10) + talk(USER, asks, TOLD, ANSWER, tools=[TOOL]))
    told = {**TOLD, "content": [{"type": "text", "text": "4"}]}
    found = scan(good(10) + talk(USER, asks, told, ANSWER, tools=[TOOL])).findings
    assert [(f.id, f.message_index) for f in found if f.severity == "error"] == [
        ("content-invalid", 2)
    ]
    empty = {**ANSWER, "content": [{"type": "text", "text": ""}]}
    assert errors(good(10) + talk(USER, empty)) == {"content-missing"}


def test_keys_of_another_format_are_told_instead_of_what_they_stand_for() -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho."}]
    assert errors(good(10) + talk(*turns)) == {"unknown-key"}


def test_functions_are_told_and_counted() -> None:
    function = TOOL["function"]
    called = {"role": "assistant", "content": None, "function_call": CALL["function"]}
    content = talk(USER, called, functions=[function])
    found = scan(content * 10)
    assert found.counts["functions-legacy"] == 10
    assert not errors(content * 10)
    assert "tool-unused" not in found.counts
    assert found.stats.with_tools == 10
    assert found.stats.total
    bare = scan(talk(USER, {**called, "function_call": None, "content": "x"}) * 10).stats.total
    assert bare
    assert found.stats.total.sum > bare.sum + 200


# ---- severities, each with its reason in docs/dataset-check.md


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool"])
def test_who_is_not_learned_from_may_say_nothing(role: str) -> None:
    empty: dict[str, Any] = {"role": role, "content": ""}
    talks = {
        "user": talk(empty, ANSWER),
        "tool": talk(USER, ASKS, {**TOLD, "content": ""}, ANSWER, tools=[TOOL]),
    }
    content = talks.get(role, talk(empty, USER, ANSWER))
    found = scan(good(10) + content)
    assert found.counts["content-empty"] == 1
    assert not found.broken


def test_somebody_asks_in_each_example() -> None:
    assert errors(good(10) + talk({"role": "system", "content": "Be brief."}, ANSWER)) == {
        "no-user"
    }
    assert errors(good(10) + talk(ASKS, TOLD, ANSWER, tools=[TOOL])) == {"no-user"}
    assert not errors(good(10) + talk(ANSWER, USER, ANSWER))


def test_a_developer_may_say_what_a_system_does() -> None:
    assert not errors(good(10) + talk({"role": "developer", "content": "Be brief."}, USER, ANSWER))


def test_two_system_messages_in_a_row_are_told() -> None:
    system = {"role": "system", "content": "Be brief."}
    assert scan(good(10) + talk(system, system, USER, ANSWER)).counts["system-twice"] == 1


def test_nothing_is_said_of_a_byte_order_mark() -> None:
    assert scan(b"\xef\xbb\xbf" + good(60)).counts == {}


# ---- quotes


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        ("1", '"1"'),
        (1, "1"),
        (0.5, "0.5"),
        ({"z": 1, "a": None}, '{"z": 1, "a": null}'),
        ('say "x"', '"say \\"x\\""'),
        ("a\nb\x1b", '"a\\nb\\u001b"'),
        ([], "[]"),
    ],
)
def test_values_are_quoted_as_they_stand_in_the_file(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_a_long_value_is_cut_in_its_texts_first() -> None:
    assert quoted({"content": "word " * 50, "role": "tool"}) == (
        '{"content": "word word word word…", "role": "tool"}'
    )
    assert len(quoted([["x" * 100] * 10] * 10)) <= 60
