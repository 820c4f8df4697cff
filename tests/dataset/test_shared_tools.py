"""Tools that all examples of a file declare make no two of them alike: only what is asked, and what
is called with which arguments."""

import json
import random
from typing import Any

import pytest

from shared.dataset.measure.cost import TrainingPlan
from tests.dataset.builders import ANSWER, TOLD, TOOL, USER, WORDS, judged, line

REPEATED = ("near-duplicate", "leakage-near")
DESCRIBED = {**TOOL["function"], "description": " ".join(WORDS * 2)}
TOOLS: dict[str, Any] = {"tools": [{"type": "function", "function": DESCRIBED}]}


def called(arguments: str, id: str = "c1") -> dict[str, Any]:
    call = {"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}}
    return {"role": "assistant", "tool_calls": [call]}


def calling(asked: str, at: str, **declared: Any) -> dict[str, Any]:
    messages = [{**USER, "content": asked}, called(json.dumps({"at": at}))]
    return {"messages": messages, **(declared or TOOLS)}


def answered(asked: str, at: str) -> dict[str, Any]:
    """The tool has told something, and a key that nobody knows makes the line one of the slow."""
    example = calling(asked, at)
    example["messages"] += [TOLD, {**ANSWER, "content": f"There is {at}."}]
    return {**example, "note": at}


def preferring(asked: str, at: str) -> dict[str, Any]:
    given = {"messages": [{**USER, "content": asked}], **TOOLS}
    worse = {**ANSWER, "content": f"No {at}."}
    return {
        "input": given,
        "preferred_output": [called(json.dumps({"at": at}))],
        "non_preferred_output": [worse],
    }


def functions(asked: str, at: str) -> dict[str, Any]:
    return calling(asked, at, functions=[DESCRIBED])


def asked(number: int) -> tuple[str, str]:
    one, other, place = (WORDS[number * step % len(WORDS)] for step in (1, 5, 7))
    return f"Where do I find the {one} of the {other}, and is it near to number {number}?", place


def repeated(content: bytes, validation: bytes | None = None, method: str = "supervised") -> int:
    verdict = judged(content, validation, TrainingPlan(method=method))
    found = [*verdict.leaks, *(group for file in verdict.files for group in file.groups)]
    return sum(group.count for group in found if group.id in REPEATED)


@pytest.mark.parametrize("made", [calling, answered, preferring, functions])
def test_different_questions_with_the_same_tools_are_not_alike(made: Any) -> None:
    method = "dpo" if made is preferring else "supervised"
    training = b"".join(line(made(*asked(number))) for number in range(12))
    validation = b"".join(line(made(*asked(number))) for number in range(12, 20))
    assert repeated(training, validation, method) == 0


@pytest.mark.parametrize("made", [calling, answered, preferring, functions])
def test_nearly_the_same_question_is_still_found(made: Any) -> None:
    method = "dpo" if made is preferring else "supervised"
    text, at = asked(1)
    long = f"{text} {' '.join(WORDS)}"
    training = b"".join(line(made(*asked(number))) for number in range(12))
    assert repeated(training + line(made(long, at)) + line(made(f"{long} Now", at)), None, method)


def test_other_arguments_of_a_call_make_another_example() -> None:
    """Their calls are all that such examples say."""
    bulk = [" ".join(random.Random(n).choices(WORDS, k=60)) for n in range(12)]
    lines = [line(calling(f"Look {n}.", at)) for n, at in enumerate(bulk)]
    assert repeated(b"".join(lines)) == 0
    assert repeated(b"".join(lines) + line(calling("Look 99.", f"{bulk[0]} too"))) == 1


def test_lines_without_tools_are_compared_by_all_that_they_have() -> None:
    """Also beside others that declare some: here by their other answer alone."""
    texts = [" ".join(random.Random(n).choices(WORDS, k=60)) for n in range(12)]
    lines = []
    for number, text in enumerate(texts):
        example = preferring(f"Look {number}.", "x")
        example["preferred_output"] = [ANSWER]
        example["non_preferred_output"] = [{**ANSWER, "content": text}]
        del example["input"]["tools"]
        lines.append(line(example))
    content = line(preferring(*asked(1))) + b"".join(lines)
    assert repeated(content, None, "dpo") == 0
    again = lines[0].replace(b"Look 0.", b"Look 99.")
    assert repeated(content + again, None, "dpo") == 1
