"""Any bytes in, a report out: no exception, and no memory that follows the length of a line."""

import json
import tracemalloc
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dataset.measure.similarity import first_equal
from shared.dataset.reading.examples import FileRole
from shared.dataset.reading.lines import LONGEST, Blocks
from shared.dataset.report import document, page
from tests.dataset.builders import ANSWER, ASKS, CALL, TOOL, USER, judged, line, scan, talk

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
ROLE = st.sampled_from(["system", "user", "assistant", "tool", "developer", "bot", None, 3])
MESSAGE = st.fixed_dictionaries(
    {"role": ROLE, "content": st.text(max_size=80) | JSON},
    optional={"weight": JSON, "tool_calls": JSON, "name": JSON, "tool_call_id": JSON},
)
EXAMPLE = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, max_size=4) | JSON}, optional={"tools": JSON, "input": JSON}
)
LONG = st.tuples(st.binary(max_size=6), st.integers(1, 20_000)).map(lambda of: of[0] * of[1])
LINE = st.one_of(
    st.binary(max_size=60),
    LONG,
    st.tuples(LONG, EXAMPLE).map(
        lambda of: json.dumps({**of[1], "content": of[0].decode("latin-1")}).encode()
    ),
    EXAMPLE.map(lambda example: json.dumps(example).encode()),
    EXAMPLE.map(lambda example: json.dumps(example, ensure_ascii=False).encode("utf-8", "replace")),
    EXAMPLE.map(lambda example: json.dumps(example).encode()[:-5]),
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(LINE, max_size=5).map(b"\n".join), st.binary(max_size=40))
def test_any_bytes_give_a_report(training: bytes, validation: bytes) -> None:
    verdict = judged(training, validation)
    data = json.dumps(document.as_json("any", verdict), allow_nan=False)
    data.encode()
    text = page.as_html("any", verdict)
    text.encode()
    assert "<script" not in text
    assert document.summary(verdict)


URL = st.sampled_from(["https://x/1", "data:image/png;base64,aaaa", "data:", ",", 7, None])
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 7, "", "Hi", [], {}, [1], [{}], {"url": 1}, {"name": "look"}]
)
PART = ODD | st.one_of(
    ODD.map(lambda text: {"type": "text", "text": text}),
    URL.map(lambda url: {"type": "image_url", "image_url": {"url": url}}),
    ODD.map(lambda image: {"type": "image_url", "image_url": image}),
    ODD.map(lambda sound: {"type": "input_audio", "input_audio": sound}),
)
SAID = st.fixed_dictionaries(
    {"role": ROLE, "content": st.lists(PART, max_size=3) | ODD},
    optional={
        "function_call": st.just({"name": "look", "arguments": "{}"}) | ODD,
        "tool_calls": st.just([CALL]) | ODD,
    },
)
SAYS = st.lists(SAID | ODD, max_size=3) | ODD
LEGACY = st.fixed_dictionaries(
    {"messages": SAYS}, optional={"functions": st.just([TOOL["function"]]) | ODD, "tools": ODD}
)
PREFERENCE = st.fixed_dictionaries(
    {"preferred_output": SAYS, "non_preferred_output": SAYS},
    optional={"input": LEGACY | ODD, "messages": SAYS},
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(LEGACY | PREFERENCE, min_size=1, max_size=4))
def test_preferences_pictures_and_functions_of_any_shape_give_a_report(
    examples: list[dict[str, object]],
) -> None:
    verdict = judged(b"".join(map(line, examples)), b"".join(map(line, examples)))
    json.dumps(document.as_json("any", verdict), allow_nan=False)
    assert verdict.files[0].examples == len(examples)
    assert page.as_html("any", verdict)


TEXT = st.sampled_from(["Where is it?", "Here.", "Be brief.", "", " ", '"role": 1', "a\\", ": x"])
CALLS = st.sampled_from(["c1", "c2"]).map(lambda id: [{**CALL, "id": id}])
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "assistant", "tool"])},
    optional={
        "content": TEXT | st.none(),
        "tool_calls": CALLS,
        "tool_call_id": st.sampled_from(["c1", "c2", None]),
        "weight": st.sampled_from([0, 1, None, 2]),
    },
)
ASKED = st.tuples(TEXT, CALLS, TEXT, TEXT).map(
    lambda of: [
        {"role": "user", "content": of[0]},
        {"role": "assistant", "tool_calls": of[1]},
        {"role": "tool", "tool_call_id": "c1", "content": of[2]},
        {"role": "assistant", "content": of[3]},
    ]
)
TALK = st.fixed_dictionaries(
    {"messages": st.lists(TURN, min_size=1, max_size=4) | ASKED},
    optional={"tools": st.sampled_from([[TOOL], [TOOL, TOOL], [], None])},
)
WRITTEN = st.tuples(TALK, st.sampled_from([(", ", ": "), (",", ":"), (" , ", "  : ")]))


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.lists(WRITTEN, min_size=1, max_size=6), st.booleans())
def test_the_fast_path_finds_what_the_other_one_finds(
    written: list[tuple[dict[str, object], tuple[str, str]]], twice: bool
) -> None:
    """A key that changes nothing keeps a line from the fast path."""
    results = []
    for others in ({}, {"parallel_tool_calls": False}):
        lines = [json.dumps({**talk, **others}, separators=signs) for talk, signs in written]
        if twice:
            lines[0] = lines[0].replace('"role"', '"role": "user", "role"', 1)
        found = scan("\n".join(lines).encode())
        findings = [(f.id, f.line, f.message_index, f.message, f.path) for f in found.findings]
        same = [first_equal(found.index.keys).tolist(), first_equal(found.index.prompts).tolist()]
        numbers = found.index.lines.tolist()
        results.append((findings, found.stats, found.examples, numbers, same))
    assert results[0] == results[1]


def test_a_line_of_any_length_is_held_in_little_memory() -> None:
    chunk = b"x" * 1_000_000
    blocks = Blocks()
    tracemalloc.start()
    for _ in range(200):
        assert list(blocks.feed(chunk)) == []
    found = [*blocks.feed(b"\nnext"), *blocks.rest()]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [line for block in found for line in block] == [None, b"next"]
    assert peak < LONGEST * 2.5


def test_an_answer_of_many_megabytes_is_reported_briefly() -> None:
    text = "All work and no play makes a dull day. " * 100_000
    verdict = judged(talk(USER, {**ANSWER, "content": text}) * 2)
    assert verdict.files[0].counts["example-too-long"] == 2
    assert len(json.dumps(document.as_json("long", verdict))) < 20_000


def test_tools_nested_deeper_than_python_goes() -> None:
    deep: object = "x"
    for _ in range(600):
        deep = {"items": deep}
    parameters = {"type": "object", "properties": {"at": deep}}
    tool = {**TOOL, "function": {"name": "look", "parameters": parameters}}
    assert judged(talk(USER, ASKS, tools=[tool])).files[0].examples == 1


def test_keys_of_thousands_of_characters_are_cut() -> None:
    verdict = judged(line({"messages": [USER, {**ANSWER, "k" * 5000: 1}]}))
    (place,) = next(g for g in verdict.files[0].groups if g.id == "unknown-key").places
    assert len(place.message) < 200
    assert len(place.path) < 100


def test_the_report_has_the_role_of_a_file() -> None:
    assert [file.role for file in judged(b"", b"").files] == [
        FileRole.TRAINING,
        FileRole.VALIDATION,
    ]
