"""No place of an example is left out of its price: a long text is an error, or it is counted.

The service is sent whole examples. What stands in one and is not counted escapes every ceiling.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.dataset.scan import ScanResult
from tests.dataset.builders import ANSWER, ASKS, CALL, TOLD, TOOL, USER, judged, line, scan
from tests.support.fuzz import fuzz

WORDS = " ".join(f"word{number}" for number in range(3_000))
LARGE = 8_000  # tokens of WORDS, a few more or less
ADDRESS = "jane.doe@contoso-mail.com"
FUNCTIONS = [{"name": "f", "description": WORDS}]
ARGUMENTS = {"name": "look", "arguments": json.dumps({"at": WORDS})}
CALLS = [{"id": "c1", "type": "function", "function": ARGUMENTS}]
FUNCTION: dict[str, Any] = TOOL["function"]
TOOLS = [{**TOOL, "function": {**FUNCTION, "description": WORDS}}]


def chat(*, answer: object = ANSWER, **more: object) -> dict[str, Any]:
    return {"messages": [USER, answer], **more}


def preference(better: object = ANSWER, worse: object = None, **given: object) -> dict[str, Any]:
    return {
        "input": {"messages": [USER], **given},
        "preferred_output": [better],
        "non_preferred_output": [worse or {**ANSWER, "content": "Hm."}],
    }


REFUSING = {"role": "assistant", "content": [{"type": "refusal", "refusal": WORDS}]}
LONG_ID = {**CALL, "id": WORDS}
UNPRICED = {
    "functions": chat(functions=FUNCTIONS),
    "function_call": chat(answer={**ANSWER, "function_call": ARGUMENTS}),
    "a message's refusal": chat(answer={**ANSWER, "refusal": WORDS}),
    "a part's refusal": chat(answer=REFUSING),
    "parallel_tool_calls": chat(parallel_tool_calls=WORDS),
    "parallel_tool_calls that are a list": chat(parallel_tool_calls=[WORDS]),
    "another key of a part": chat(
        answer={**ANSWER, "content": [{"type": "text", "text": "Ho.", "note": WORDS}]}
    ),
    "tools of a preference": preference(tools=TOOLS),
    "parallel_tool_calls of a preference": preference(parallel_tool_calls=WORDS),
    "calls of the better answer": preference({**ANSWER, "tool_calls": CALLS}),
    "calls of the other answer": preference(worse={**ANSWER, "tool_calls": CALLS}),
    "a refusal of the other answer": preference(worse={**ANSWER, "refusal": WORDS}),
    "an unknown part of a preference": preference(
        {**ANSWER, "content": [{"type": "text", "text": "Ho."}, {"type": "audio", "data": WORDS}]}
    ),
    "no picture of a preference": preference(
        {**ANSWER, "content": [{"type": "image_url", "image_url": {"url": WORDS}}]}
    ),
    "an image's long address": {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "https://x/" + WORDS}}],
            },
            ANSWER,
        ]
    },
}


@pytest.mark.parametrize("kind", UNPRICED)
def test_a_text_is_counted_wherever_it_stands(kind: str) -> None:
    verdict = judged(line(UNPRICED[kind]) * 10)
    assert verdict.price.tokens > 10 * LARGE * 0.9


def test_the_id_of_a_call_is_counted_in_its_answer_too() -> None:
    told = {**TOLD, "tool_call_id": WORDS}
    called = {"messages": [USER, {**ASKS, "tool_calls": [LONG_ID]}, told, ANSWER], "tools": [TOOL]}
    assert not scan(line(called) * 10).broken
    assert tokens(scan(line(called))) > 2 * LARGE * 0.9


def test_names_are_counted() -> None:
    named = {"messages": [{**USER, "name": f"a{n}-" * 12} for n in range(10)] + [ANSWER]}
    assert tokens(scan(line(named))) > tokens(scan(line({"messages": [USER] * 10 + [ANSWER]}))) * 3


def test_a_key_twice_is_found_beside_one_that_ends_with_a_backslash() -> None:
    """Otherwise the one that is not counted hides the one that is there twice, with its text."""
    parameters = {"type": "object", "properties": {"at": {"type": "string"}, "b\\": {}}}
    tool = {
        "type": "function",
        "function": {"name": "look", "description": "d", "parameters": parameters},
    }
    called = line({"messages": [USER, ASKS, TOLD, ANSWER], "tools": [tool]})
    for space in (b"", b" ", b"  "):
        spaced = called.replace(b'\\\\":', b'\\\\"' + space + b":")
        assert "duplicate-key" not in scan(spaced).counts
        twice = spaced.replace(b'"description"', b'"description": "x", "description"')
        assert scan(twice).counts["duplicate-key"] == 1


PRIVATE = {
    "a refusal": lambda text: chat(answer={**ANSWER, "refusal": text}),
    "a function": lambda text: chat(functions=[{"name": "f", "description": text}]),
    "a tool": lambda text: chat(tools=[{**TOOL, "function": {**FUNCTION, "description": text}}]),
    "a call": lambda text: {
        "messages": [
            USER,
            {
                **ASKS,
                "tool_calls": [
                    {**CALL, "function": {"name": "look", "arguments": json.dumps({"at": text})}}
                ],
            },
        ],
        "tools": [TOOL],
    },
    "the other answer": lambda text: preference(worse={**ANSWER, "content": text}),
    "a text": lambda text: chat(answer={**ANSWER, "content": text}),
}


@pytest.mark.parametrize("kind", PRIVATE)
@pytest.mark.parametrize(
    "private", [ADDRESS, "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "4111 1111 1111 1111"]
)
def test_private_data_is_found_wherever_it_stands(kind: str, private: str) -> None:
    made: Callable[[str], dict[str, Any]] = PRIVATE[kind]
    found = scan(line(made(f"a\n{private}")))
    assert set(found.counts) & {"secret", "personal-data"}
    assert found.stats.private
    assert private not in repr(found.findings)
    assert not set(scan(line(made("nothing"))).counts) & {"secret", "personal-data"}


def test_private_data_is_found_behind_an_escape() -> None:
    hidden = line(chat(answer={**ANSWER, "content": ADDRESS})).replace(b"@", b"\\u0040")
    assert scan(hidden).counts["personal-data"] == 1
    called = {
        **CALL,
        "function": {"name": "look", "arguments": '{"at": "jane\\u0040contoso-mail.com"}'},
    }
    asked = {"messages": [USER, {**ASKS, "tool_calls": [called]}], "tools": [TOOL]}
    assert scan(line(asked)).counts["personal-data"] == 1


# ---- any example, any place

PART = st.sampled_from(
    [
        {"type": "text", "text": "Ho."},
        {"type": "refusal", "refusal": "No."},
        {"type": "text", "text": "Ho.", "cache_control": {"type": "ephemeral"}},
    ]
)
IMAGE = {"type": "image_url", "image_url": {"url": "https://x.org/y.png", "detail": "low"}}
ASKED = st.fixed_dictionaries(
    {
        "role": st.just("user"),
        "content": st.just("Hi") | st.lists(PART | st.just(IMAGE), min_size=1, max_size=2),
    },
    optional={"name": st.just("jane"), "refusal": st.none()},
)
ANSWERED = st.fixed_dictionaries(
    {
        "role": st.just("assistant"),
        "content": st.just("Ho.") | st.lists(PART, min_size=1, max_size=2),
    },
    optional={
        "weight": st.just(1),
        "refusal": st.none() | st.just("No."),
    },
)
CALLED = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
LISTED = st.tuples(ASKED, ANSWERED).map(list) | st.tuples(
    ASKED, st.just(ASKS), st.just(TOLD), ANSWERED
).map(list)
FUNCTIONS_CALLED = st.tuples(ASKED, ANSWERED | st.just(CALLED)).map(list)
FIELDS: dict[Any, Any] = {
    "parallel_tool_calls": st.booleans(),
    "functions": st.just([{"name": "f", "parameters": {"type": "object"}}]),
}
TALK = st.fixed_dictionaries(
    {"messages": LISTED, "tools": st.just([TOOL])}, optional=FIELDS
) | st.fixed_dictionaries({"messages": FUNCTIONS_CALLED, "functions": FIELDS["functions"]})
PREFERENCE = st.fixed_dictionaries(
    {
        "input": st.fixed_dictionaries(
            {"messages": st.tuples(ASKED).map(list), "tools": st.just([TOOL])},
            optional={"parallel_tool_calls": st.booleans()},
        ),
        "preferred_output": st.tuples(ANSWERED).map(list) | st.just([ASKS, TOLD, ANSWER]),
        "non_preferred_output": st.tuples(ANSWERED).map(list) | st.just([ASKS]),
    }
)


def changed(value: Any) -> Iterator[Any]:
    """The value with a long text once at each place: instead of what is there, as another key, at
    the end of a list or of a text, and as the key itself."""
    yield WORDS
    if isinstance(value, str):
        yield value + " " + WORDS
    if isinstance(value, list):
        yield [*value, WORDS]
        for place, part in enumerate(value):
            yield from ([*value[:place], new, *value[place + 1 :]] for new in changed(part))
    if isinstance(value, dict):
        yield {**value, "metadata": WORDS}
        yield {**value, "metadata": {"a": [WORDS]}}
        yield {**value, WORDS: 1}
        for key, part in value.items():
            yield from ({**value, key: new} for new in changed(part))
            yield from ({**value, key: new} for new in ([WORDS], {"a": WORDS}))


def tokens(found: ScanResult) -> int:
    return int(found.index.totals.sum())


def validated(content: bytes) -> ScanResult:
    return scan(content, role=FileRole.VALIDATION, deep=False, plan=TrainingPlan())


@fuzz
@given(TALK | PREFERENCE, st.data())
@example(preference(), None)
@example({"messages": [USER, ASKS, TOLD, ANSWER], "tools": [TOOL]}, None)
@example(chat(answer={"role": "assistant", "content": [{"type": "text", "text": "a"}]}), None)
@example(
    {"messages": [{"role": "user", "content": [IMAGE]}, ANSWER], "parallel_tool_calls": True}, None
)
def test_a_long_text_at_any_place_is_an_error_or_is_counted(
    ordinary: dict[str, Any], data: st.DataObject | None
) -> None:
    before = validated(line(ordinary))
    assert not before.broken, before.findings
    places = list(changed(copy.deepcopy(ordinary)))
    if data:
        places = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=5))
    for one in places:
        after = validated(line(one))
        said = json.dumps(one).replace(WORDS, "…")
        assert after.broken or tokens(after) - tokens(before) > LARGE * 0.7, said
