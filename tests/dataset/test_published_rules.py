"""Our check beside Microsoft's published rules, over a grammar of lines: where the two differ, the
difference is one of those that are listed here with a reason and an example."""

import copy
import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataset.findings.finding import Severity
from shared.dataset.reading.examples import FileRole
from tests.dataset import published
from tests.dataset.builders import ANSWER, ASKS, CALL, GOOD, TOLD, TOOL, USER, line, scan, talk
from tests.dataset.corpus import SIX_PIXELS, SYSTEM, dpo, image, with_call
from tests.support.fuzz import fuzz

OTHER = {**ANSWER, "content": "Hm."}
DEVELOPER = {**SYSTEM, "role": "developer"}


def ours(content: bytes) -> set[str]:
    found = scan(content, role=FileRole.VALIDATION, deep=False).findings
    return {one.id for one in found if one.severity is Severity.ERROR}


class Difference(NamedTuple):
    reason: str
    example: bytes


REFUSED_BY_US = {  # an error here; by their rules the line may be valid
    "not-a-number": Difference(
        "JSON has no such value; Python's reader takes it, others do not.",
        line({**GOOD, "parallel_tool_calls": float("nan")}),
    ),
    "duplicate-key": Difference(
        "Readers keep one of the two values, and not all the same.",
        line(GOOD).replace(b'"role"', b'"role": "user", "role"', 1),
    ),
    "lone-surrogate": Difference(
        "Half a character cannot be written as UTF-8.", line(GOOD).replace(b"Ho", b"\\ud83d")
    ),
    "unknown-key": Difference("The service refuses it.", line({**GOOD, "id": 7})),
    "content-missing": Difference(
        "An answer without a text teaches nothing; they warn of it.",
        talk(USER, {**ANSWER, "content": ""}),
    ),
    "content-invalid": Difference(
        "Content is a text or a list of parts of known types; they look at neither.",
        talk(USER, {**ANSWER, "content": 42}),
    ),
    "name-invalid": Difference(
        "The service takes letters, digits, _ and -.", talk({**USER, "name": "Jane Doe"}, ANSWER)
    ),
    "last-not-assistant": Difference(
        "Their own guide wants the answer at the end.", talk(USER, ANSWER, USER)
    ),
    "weight-misplaced": Difference(
        "Only answers are learned.", talk({**USER, "weight": 1}, ANSWER)
    ),
    "weight-invalid": Difference(
        "The service takes 0 and 1.", talk(USER, {**ANSWER, "weight": 0.5})
    ),
    "nothing-to-learn-at-all": Difference(
        "They know no weights; the job would be paid for and change nothing.",
        talk(USER, {**ANSWER, "weight": 0}),
    ),
    "tools-invalid": Difference("They do not look at tools.", line({**GOOD, "tools": []})),
    "tool-declared-twice": Difference(
        "They do not look at tools.", line({**GOOD, "tools": [TOOL, TOOL]})
    ),
    "tool-call-invalid": Difference(
        "They do not look at calls; the service pairs them with answers by their ids.",
        talk(USER, {**ASKS, "tool_calls": [{**CALL, "id": None}]}, tools=[TOOL]),
    ),
    "tool-call-misplaced": Difference(
        "Only the assistant calls.", talk({**USER, "tool_calls": [CALL]}, ANSWER, tools=[TOOL])
    ),
    "arguments-not-json": Difference(
        "They do not look at calls.", with_call(arguments={"at": "x"})
    ),
    "tool-undeclared": Difference("They do not look at calls.", talk(USER, ASKS)),
    "call-unanswered": Difference(
        "The service wants the answers next; their guide to traces tells of refusals.",
        talk(USER, ASKS, ANSWER, tools=[TOOL]),
    ),
    "answer-without-call": Difference(
        "The service pairs answers with calls by their ids.", talk(USER, TOLD, ANSWER)
    ),
    "image-invalid": Difference("They do not look at parts.", talk(image("ftp://x"), ANSWER)),
    "image-misplaced": Difference(
        "The service takes images of users only.",
        talk(USER, ANSWER, USER, image("https://x", "assistant")),
    ),
    "message-not-object": Difference(
        "In a preference they stop at the first message of the role that they look for.",
        dpo([ANSWER], [OTHER], {"messages": [USER, 7]}),
    ),
    "role-unknown": Difference(
        "In a preference they look for one role and let all others pass.",
        dpo([ANSWER], [OTHER], {"messages": [USER, {**USER, "role": "bot"}]}),
    ),
    "preference-invalid": Difference(
        "Their guide has only assistant and tool in an output; they look for one assistant.",
        dpo([ANSWER], [USER, OTHER]),
    ),
}
TAKEN_BY_US = {  # one of their rules that a line may break and be taken here
    "role": Difference(
        "Azure's guide names `developer`; their other checker, of the cookbooks, takes it too.",
        talk(DEVELOPER, USER, ANSWER),
    ),
    "content": Difference(
        "They know no `function_call`, which the format still has: such a message needs no text.",
        line(
            {
                "messages": [
                    USER,
                    {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}},
                ],
                "functions": [{"name": "look", "parameters": {"type": "object"}}],
            }
        ),
    ),
}


@pytest.mark.parametrize("id", REFUSED_BY_US)
def test_what_is_refused_here_only(id: str) -> None:
    example = REFUSED_BY_US[id].example
    theirs = published.preference if b'"input"' in example else published.supervised
    assert theirs(example) == set()
    assert ours(example) == {id}


@pytest.mark.parametrize("rule", TAKEN_BY_US)
def test_what_is_taken_here_only(rule: str) -> None:
    example = TAKEN_BY_US[rule].example
    assert published.supervised(example) == {rule}
    assert ours(example) == set()


# ---- the grammar: lines that are right, then changed at some places

PARTS = [{"type": "text", "text": "Where?"}]
TALKS = [
    [USER, ANSWER],
    [SYSTEM, USER, ANSWER],
    [USER, ANSWER, USER, OTHER],
    [USER, ASKS, TOLD, ANSWER],
    [USER, ASKS],
    [{**USER, "content": PARTS}, ANSWER],
    [image("https://pictures/1.png"), ANSWER],
    [image(SIX_PIXELS), ANSWER],
    [USER, {**ANSWER, "weight": 0}, USER, {**OTHER, "weight": 1}],
    [USER, {"role": "assistant", "function_call": {"name": "look", "arguments": '{"at": "x"}'}}],
]
VALUE = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "Hi", "null", "1", 0, 1, 2, 0.5, True, float("nan"), "\ud83d"]),
    st.sampled_from(["user", "assistant", "system", "tool", "developer", "function", "gpt"]),
    st.sampled_from([[], {}, [1], [{}], PARTS, [CALL], [{**CALL, "id": "c2"}], [{"type": "x"}]]),
    st.sampled_from([image("ftp://x")["content"], image("https://x")["content"], "c2", "Jane Doe"]),
)
KEYS = (
    *("role", "content", "tool_calls", "tool_call_id", "weight", "name", "refusal", "text"),
    *("function_call", "messages", "tools", "functions", "parallel_tool_calls", "answer"),
)
KEY = st.sampled_from(KEYS)


def at_some_place(change: tuple[float, str, str, Any], value: Any) -> None:
    """One change of the value: a key set or left out, a message added, moved or removed."""
    where, kind, key, new = change
    places = list(objects_and_lists(value))
    place = places[int(where * len(places))]
    if isinstance(place, dict):
        if kind == "remove":
            place.pop(key, None)
        else:
            place[key] = copy.deepcopy(new)
    elif kind == "remove" and place:
        place.pop(int(where * 97) % len(place))
    elif kind == "move":
        place.reverse()
    else:
        added = {"role": new, "content": "Hm."} if isinstance(new, str) else copy.deepcopy(new)
        place.insert(int(where * 97) % (len(place) + 1), added)


def objects_and_lists(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from objects_and_lists(part)


CHANGE = st.tuples(
    st.floats(0, 0.999), st.sampled_from(["set", "set", "remove", "move"]), KEY, VALUE
)
CHANGES = st.lists(CHANGE, max_size=3)
TOOLS = st.sampled_from([{}, {"tools": [TOOL]}, {"functions": [TOOL["function"]]}])


def changed(value: Any, changes: list[Any]) -> bytes:
    value = copy.deepcopy(value)
    for change in changes:
        at_some_place(change, value)
    return json.dumps(value).encode() + b"\n"


SUPERVISED = st.builds(
    lambda messages, tools, changes: changed({"messages": messages, **tools}, changes),
    st.sampled_from(TALKS),
    TOOLS,
    CHANGES,
)
OUTPUT = st.sampled_from([[ANSWER], [OTHER], [ASKS, TOLD, ANSWER], [ASKS]])
PREFERENCE = st.builds(
    lambda messages, tools, better, worse, changes: changed(
        {
            "input": {"messages": messages[:-1], **tools},
            "preferred_output": better,
            "non_preferred_output": worse,
        },
        changes,
    ),
    st.sampled_from(TALKS),
    st.sampled_from([{}, {"tools": []}, {"tools": [TOOL]}]),
    OUTPUT,
    OUTPUT,
    CHANGES,
)
REINFORCEMENT = st.builds(
    lambda messages, changes: changed({"messages": messages[:-1], "answer": "C"}, changes),
    st.sampled_from(TALKS),
    CHANGES,
)


def compare(content: bytes, theirs: set[str]) -> None:
    found = ours(content)
    if not theirs:
        assert found <= set(REFUSED_BY_US), content
    elif not found:
        assert theirs <= set(TAKEN_BY_US), content


@fuzz
@given(SUPERVISED)
def test_supervised_lines_differ_where_it_is_listed_only(content: bytes) -> None:
    compare(content, published.supervised(content))


@fuzz
@given(PREFERENCE)
def test_preferences_differ_where_it_is_listed_only(content: bytes) -> None:
    if "input" in json.loads(content):
        compare(content, published.preference(content))


@fuzz
@given(REINFORCEMENT)
def test_a_line_for_reinforcement_is_never_trained_as_a_conversation(content: bytes) -> None:
    """It is valid by their rules and refused by ours, whatever it holds: the app has no graders."""
    if not published.reinforcement(content):
        assert ours(content)


# ---- the formats as their guides document them


DOCUMENTED = [
    {"messages": [SYSTEM, USER, ANSWER]},
    {"messages": [USER, ANSWER]},
    {"messages": [DEVELOPER, USER, ANSWER]},
    {"messages": [SYSTEM, USER, {**ANSWER, "weight": 0}, USER, {**OTHER, "weight": 1}]},
    {"messages": [USER, ASKS], "tools": [TOOL], "parallel_tool_calls": False},
    {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}], "tools": [TOOL]},
    {"messages": [SYSTEM, USER, ASKS, TOLD, ANSWER], "tools": [TOOL]},
    {"messages": [USER, ASKS, TOLD, ANSWER, USER, OTHER], "tools": [TOOL]},
    {"messages": [{**USER, "name": "jane"}, ANSWER]},
    {"messages": [{**USER, "content": [*PARTS, *image("https://x/1.jpg")["content"]]}, ANSWER]},
    {"messages": [image(SIX_PIXELS), ANSWER]},
    {"messages": [USER, {**ANSWER, "content": PARTS}]},
]


@pytest.mark.parametrize("example", DOCUMENTED)
def test_what_the_guides_show_has_no_error(example: dict[str, Any]) -> None:
    assert ours(line(example)) == set()
