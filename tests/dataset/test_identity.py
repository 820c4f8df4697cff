"""What makes two examples the same, or two questions: texts, pictures, tools, calls, all that is
sent; and a prompt that many share on purpose."""

import base64
import json
from typing import Any

import pytest

from tests.dataset.builders import (
    ANSWER,
    ASKS,
    CALL,
    TOLD,
    TOOL,
    USER,
    WORDS,
    good,
    judged,
    line,
    scan,
    talk,
    varied,
)
from tests.dataset.corpus import VISION, dpo

REPEATED = {
    *("duplicate", "near-duplicate", "conflicting-answers"),
    *("leakage", "leakage-prompt", "leakage-near"),
}
TEXT = f"Say what can be seen: {' '.join(WORDS)}."


def seen(part: object, answer: str = "A cat.", text: str = TEXT) -> bytes:
    content = [{"type": "text", "text": text}, part]
    return talk({**USER, "content": content}, {**ANSWER, "content": answer})


def picture(url: str, **others: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **others}}


def embedded(data: bytes, kind: str = "png") -> dict[str, Any]:
    return picture(f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def audio(data: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def repeated(*lines: bytes, validation: bytes | None = None) -> set[str]:
    """What is said of examples that repeat one another, after ten that do not."""
    verdict = judged(good(10) + b"".join(lines), validation, VISION)
    groups = [*verdict.leaks, *verdict.files[0].groups]
    return {group.id for group in groups} & REPEATED


DIFFERENT = {
    "addresses": [picture(f"https://pictures/{n}.png") for n in range(2)],
    "data": [embedded(bytes([n]) * 40) for n in range(2)],
    "the end of the data": [embedded(b"x" * 30_000 + bytes([n])) for n in range(2)],
    "sounds": [audio(f"UklG{n}") for n in range(2)],
    "parts that nobody knows": [{"type": "file", "file": {"file_id": f"file-{n}"}} for n in "ab"],
}


@pytest.mark.parametrize("parts", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize("answers", [("A cat.", "A cat."), ("A cat.", "A dog.")])
def test_one_question_about_two_pictures_is_two_questions(
    parts: list[Any], answers: tuple[str, str]
) -> None:
    one, other = (seen(part, answer) for part, answer in zip(parts, answers, strict=True))
    assert repeated(one, other) == set()
    assert repeated(one, validation=other) == set()


@pytest.mark.parametrize(
    ("part", "again"),
    [
        (picture("https://pictures/1.png"), picture("https://pictures/1.png", detail="low")),
        (embedded(b"x" * 40), embedded(b"x" * 40)),
        (embedded(b"x" * 40), embedded(b"x" * 40, "jpeg")),
    ],
)
def test_the_same_picture_is_the_same(part: object, again: object) -> None:
    assert repeated(seen(part), seen(again)) == {"duplicate"}
    assert repeated(seen(part), seen(again, "A dog.")) >= {"conflicting-answers"}
    assert repeated(seen(part), validation=seen(again)) == {"leakage"}
    near = seen(again, "A cat.", TEXT.replace("Say", "Tell", 1))
    assert repeated(seen(part), near) == {"near-duplicate"}
    assert repeated(seen(part), validation=near) == {"leakage-near"}


def test_a_picture_is_asked_wherever_it_stands() -> None:
    def later(url: str) -> bytes:
        shows = {**USER, "content": [picture(url)]}
        return talk(USER, ANSWER, shows, {**ANSWER, "content": "A cat, or perhaps a dog."})

    assert repeated(later("https://a/1"), later("https://a/2")) == set()
    assert repeated(later("https://a/1"), later("https://a/1")) == {"duplicate"}


def test_two_pictures_in_another_order_are_another_question() -> None:
    urls = ["https://pictures/1.png", "https://pictures/2.png"]

    def both(*urls: str) -> bytes:
        return talk({**USER, "content": [picture(url) for url in urls]}, ANSWER)

    assert repeated(both(*urls), both(*reversed(urls))) == set()
    assert repeated(both(*urls), both("https://pictures/1.pnghttps://pictures/2.png")) == set()


def test_signatures_of_pictures_are_the_same_on_every_machine() -> None:
    """Python's own hashes are not: a split would be another one each time."""
    found = scan(seen(picture("https://pictures/1.png"))).index.signatures
    assert found[0, :4].tolist() == [203, 145, 238, 86]


def calling(place: str, answer: str = "It is fine there.") -> bytes:
    function = {"name": "look", "arguments": json.dumps({"at": place})}
    asks = {**ASKS, "tool_calls": [{**CALL, "function": function}]}
    return talk(USER, asks, TOLD, {**ANSWER, "content": answer}, tools=[TOOL])


def test_what_was_called_before_belongs_to_the_question() -> None:
    assert "conflicting-answers" not in repeated(calling("x"), calling("y", "It rains."))
    assert "conflicting-answers" in repeated(calling("x"), calling("x", "It rains."))


def test_what_is_called_at_the_end_is_the_answer() -> None:
    def calls(place: str, **others: object) -> bytes:
        function = {"name": "look", "arguments": json.dumps({"at": place})}
        asks = {**ASKS, "tool_calls": [{**CALL, "function": function}]}
        return talk(USER, asks, tools=[TOOL], **others)

    for others in ({}, {"parallel_tool_calls": False}):
        assert "conflicting-answers" in repeated(calls("x", **others), calls("y"))


def test_the_tools_belong_to_the_question() -> None:
    other = {**TOOL, "function": {**TOOL["function"], "description": "Looks."}}
    examples = [
        line({"messages": [USER, {**ANSWER, "content": text}], "tools": [tool]})
        for text, tool in (("Yes.", TOOL), ("No.", other))
    ]
    assert "conflicting-answers" not in repeated(*examples)


# ---- preferences


def preferred(better: str, worse: str, part: object | None = None) -> bytes:
    content = [{"type": "text", "text": TEXT}, part] if part else TEXT
    given = {"messages": [{**USER, "content": content}]}
    return dpo([{**ANSWER, "content": better}], [{**ANSWER, "content": worse}], given)


def test_a_preference_is_its_input_both_outputs_and_its_pictures() -> None:
    one, other = (picture(f"https://pictures/{n}.png") for n in range(2))
    assert repeated(preferred("A.", "B.", one), preferred("A.", "B.", other)) == set()
    assert repeated(preferred("A.", "B.", one), preferred("A.", "B.", one)) == {"duplicate"}
    assert "conflicting-answers" in repeated(preferred("A.", "B.", one), preferred("C.", "B.", one))


def test_the_question_of_a_preference_ends_where_its_outputs_begin() -> None:
    def outputs(place: str) -> bytes:
        function = {"name": "look", "arguments": json.dumps({"at": place})}
        asks = {**ASKS, "tool_calls": [{**CALL, "function": function}]}
        given = {"messages": [USER], "tools": [TOOL]}
        told = {**TOLD, "content": f"It is at {place}."}
        return dpo([asks, told, ANSWER], [{**ANSWER, "content": "Hm."}], given)

    assert "conflicting-answers" in repeated(outputs("x"), outputs("y"))


# ---- a prompt that many share


def voice(count: int, first: int = 0, prompt: object = USER) -> bytes:
    numbers = range(first, first + count)
    return b"".join(talk(prompt, varied(number)["messages"][1]) for number in numbers)


LONG = {**USER, "content": " ".join(WORDS * 8)}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (voice(40), "40 of 40 examples share 1 prompt."),
        (voice(40, prompt=LONG), "40 of 40 examples share 1 prompt."),
        (voice(20) + good(15), "20 of 35 examples share 1 prompt."),
        (voice(6) + voice(6, 20, LONG), "12 of 12 examples share 2 prompts."),
    ],
    ids=["all", "long", "most", "two"],
)
def test_a_prompt_that_most_share_is_told_once_and_is_no_conflict(
    training: bytes, said: str
) -> None:
    verdict = judged(training)
    groups = {group.id: group for group in verdict.files[0].groups}
    assert not set(groups) & REPEATED
    assert not verdict.rejected
    assert [place.message for place in groups["constant-prompt"].places] == [said]


@pytest.mark.parametrize(
    "training",
    [voice(4) + good(3), voice(6) + good(30), voice(2) * 5 + good(2)],
    ids=["few answers", "few of the file", "the same again"],
)
def test_other_answers_to_one_prompt_stay_conflicts(training: bytes) -> None:
    counts = judged(training).files[0].counts
    assert "constant-prompt" not in counts
    assert counts["conflicting-answers"] > 0


def test_an_exact_copy_is_one_also_where_the_prompt_is_shared() -> None:
    counts = judged(voice(20) + voice(1)).files[0].counts
    assert (counts["duplicate"], "conflicting-answers" in counts) == (1, False)


def test_a_shared_prompt_does_not_leak() -> None:
    verdict = judged(voice(20), voice(3, 100) + voice(1) + line(varied(7)))
    assert {group.id: group.lines.tolist() for group in verdict.leaks} == {"leakage": [4]}
    others = judged(voice(4) + good(10), voice(1, 100))
    assert [group.id for group in others.leaks] == ["leakage-prompt"]


def test_without_the_checks_of_texts_it_is_told_as_well() -> None:
    assert "constant-prompt" in scan(voice(20), deep=False).counts
