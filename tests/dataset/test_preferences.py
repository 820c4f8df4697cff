"""Whatever holds for a supervised line holds for the input of a preference with each output."""

import json
from typing import Any

import pytest

from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.scan import ScanResult
from tests.dataset.builders import ANSWER, ASKS, CALL, TOLD, TOOL, USER, judged, line, scan, varied
from tests.dataset.corpus import SYSTEM, dpo, image

DPO = TrainingPlan(base_model="gpt-4.1-2025-04-14", method="dpo")
OTHER = {**ANSWER, "content": "Hm."}
BETTER, WORSE, ASKED = "preferred_output", "non_preferred_output", "input.messages"


def found(*lines: bytes) -> ScanResult:
    return judged(b"".join(lines), plan=DPO).files[0]


def places(*lines: bytes) -> list[tuple[str, str, int | None]]:
    """What is told of the first line: what it is and where."""
    return [
        (one.id, one.path, one.message_index) for one in found(*lines).findings if one.line == 1
    ]


def called(**changes: object) -> dict[str, Any]:
    call = {**CALL, "function": {**CALL["function"], **changes}}  # type: ignore[dict-item]
    return {**ASKS, "tool_calls": [call]}


def asked(*messages: object, **others: object) -> dict[str, Any]:
    return {"messages": list(messages), **others}


@pytest.mark.parametrize(
    ("preferred", "other", "given", "told"),
    [
        ([ANSWER], [OTHER], asked(SYSTEM), ("no-user", "", None)),
        ([TOLD], [OTHER], asked(USER, ASKS, tools=[TOOL]), ("last-not-assistant", BETTER, 0)),
        ([ASKS, ANSWER], [OTHER], asked(USER, tools=[TOOL]), ("call-unanswered", BETTER, 0)),
        ([ANSWER], [TOLD, OTHER], asked(USER), ("answer-without-call", WORSE, 0)),
        ([ANSWER], [TOLD, OTHER], asked(USER, ASKS, tools=[TOOL]), ("call-unanswered", ASKED, 1)),
        ([ASKS], [OTHER], asked(USER), ("tool-undeclared", BETTER, 0)),
        ([ANSWER], [ASKS], asked(USER), ("tool-undeclared", WORSE, 0)),
        (
            [called(arguments="{at: x}")],
            [OTHER],
            asked(USER, tools=[TOOL]),
            ("arguments-not-json", BETTER, 0),
        ),
        (
            [ANSWER],
            [called(arguments='{"at": 7}')],
            asked(USER, tools=[TOOL]),
            ("arguments-mismatch", WORSE, 0),
        ),
        ([{**ASKS, "tool_calls": []}], [OTHER], asked(USER), ("tool-call-invalid", BETTER, 0)),
        (
            [ANSWER],
            [OTHER],
            asked(USER, tools=[{"name": "look"}]),
            ("tools-invalid", "input", None),
        ),
        (
            [ANSWER],
            [OTHER],
            asked(USER, tools=[TOOL, TOOL]),
            ("tool-declared-twice", "input", None),
        ),
        (
            [ANSWER],
            [OTHER],
            asked({**USER, "tool_calls": [CALL]}, tools=[TOOL]),
            ("tool-call-misplaced", ASKED, 0),
        ),
        ([ANSWER], [OTHER], asked(image("ftp://x")), ("image-invalid", ASKED, 0)),
        ([image("https://x", "assistant")], [OTHER], asked(USER), ("image-misplaced", BETTER, 0)),
        (
            [ANSWER],
            [OTHER],
            asked({**USER, "content": [{"type": "audio"}]}),
            ("content-invalid", ASKED, 0),
        ),
        ([ANSWER], [{**OTHER, "content": [{"type": "x"}]}], None, ("content-invalid", WORSE, 0)),
        ([ANSWER], [{**OTHER, "content": " "}], None, ("content-missing", WORSE, 0)),
        ([{**ANSWER, "wieght": 1}], [OTHER], None, ("unknown-key", BETTER, 0)),
        ([{**ANSWER, "weight": 2}], [OTHER], None, ("weight-invalid", BETTER, 0)),
        ([ANSWER, ANSWER], [OTHER], None, ("same-role-twice", BETTER, 1)),
        ([ANSWER, USER], [OTHER], None, ("preference-invalid", BETTER, 1)),
        ([ANSWER], "Hm.", asked({"role": "bot"}), ("role-unknown", ASKED, 0)),
        ([{**ANSWER, "wieght": 1}], [OTHER], {"text": "Hi"}, ("unknown-key", BETTER, 0)),
        ([ANSWER], [7], None, ("message-not-object", WORSE, 0)),
    ],
)
def test_what_holds_for_a_supervised_line_holds_for_a_preference(
    preferred: object, other: object, given: object, told: tuple[str, str, int | None]
) -> None:
    id, path, index = told
    every = places(dpo(preferred, other, given))
    assert [one for one in every if one[0] == id and one[1].startswith(path) and one[2] == index]
    assert len(every) == len(set(every)), "told once"


def documented() -> list[dict[str, Any]]:
    """The forms that the guides of Azure and OpenAI show, with texts of our own."""
    tools = {"tools": [], "parallel_tool_calls": True}
    text = {**USER, "content": [{"type": "text", "text": "How cold is it?"}]}
    return [
        {"input": asked(USER, **tools), BETTER: [ANSWER], WORSE: [OTHER]},
        {"input": asked(SYSTEM, USER), BETTER: [ANSWER], WORSE: [OTHER]},
        {"input": asked(USER, ANSWER, USER), BETTER: [ANSWER], WORSE: [OTHER]},
        {"input": asked(text), BETTER: [ANSWER], WORSE: [OTHER]},
        {
            "input": asked(USER, tools=[TOOL], parallel_tool_calls=False),
            BETTER: [ASKS, TOLD, ANSWER],
            WORSE: [OTHER],
        },
        {"input": asked(USER, tools=[TOOL]), BETTER: [ASKS], WORSE: [OTHER]},
        {"input": asked(USER, ASKS, TOLD, tools=[TOOL]), BETTER: [ANSWER], WORSE: [OTHER]},
        {"input": asked(USER, ASKS, tools=[TOOL]), BETTER: [TOLD, ANSWER], WORSE: [TOLD, OTHER]},
        {"input": asked(USER), BETTER: [{**ANSWER, "refusal": "I can't."}], WORSE: [OTHER]},
    ]


@pytest.mark.parametrize("example", documented())
def test_what_the_guides_show_is_right(example: dict[str, Any]) -> None:
    assert [f.id for f in found(line(example)).findings if f.line == 1] == []


def pair(number: int) -> bytes:
    question, answer = varied(number)["messages"]
    return dpo([answer], [varied(500 + number)["messages"][1]], {"messages": [question]})


def test_a_file_of_preferences_is_accepted() -> None:
    verdict = judged(b"".join(map(pair, range(60))), plan=DPO)
    assert not verdict.rejected
    assert verdict.files[0].counts == {}


def test_the_tools_of_preferences_are_counted() -> None:
    given = asked(USER, tools=[TOOL])
    uses = dpo([ASKS], [OTHER], given)
    assert found(uses).stats.with_tools == 1
    assert "tool-unused" not in found(uses).counts
    assert "tool-unused" not in found(dpo([ANSWER], [ASKS], given)).counts
    assert "tool-unused" in found(dpo([ANSWER], [OTHER], given)).counts
    plain = scan(dpo([ANSWER], [OTHER]))
    bound = scan(dpo([ANSWER], [OTHER], given))
    assert plain.stats.total and bound.stats.total
    assert bound.stats.total.sum - plain.stats.total.sum > len(json.dumps(TOOL)) // 8


def test_the_roles_of_a_preference_are_those_of_its_messages() -> None:
    talk = dpo([ASKS, TOLD, ANSWER], [OTHER], asked(USER, tools=[TOOL]))
    assert found(talk).stats.roles == {"user": 1, "assistant": 2, "tool": 1}


def test_a_preview_shows_the_message_that_is_meant() -> None:
    (shown,) = [
        place
        for place in found(dpo([ANSWER], [OTHER, {**OTHER, "wieght": 1}])).findings
        if place.id == "unknown-key"
    ]
    assert shown.path == "non_preferred_output[1].wieght"
    assert '"wieght"' in shown.preview[-1].text


def test_the_output_is_named_and_the_end_of_the_input_told_once() -> None:
    found = scan(dpo([{**ANSWER, "content": ""}], [ANSWER])).findings
    assert "In `preferred_output`: The assistant's content" in " ".join(f.message for f in found)
    asked = {"messages": [USER, ANSWER]}
    found = scan(dpo([ANSWER], [{**ANSWER, "content": "Hm."}], asked)).findings
    (told,) = [one for one in found if one.id == "same-role-twice"]
    assert told.path == "input.messages"
