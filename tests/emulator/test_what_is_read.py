"""What the small model reads of an example and of a chat: tools, pictures, refusals."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from local.emulator.core.errors import InferenceError
from local.emulator.data_plane.chat_request import parse
from local.emulator.data_plane.response_items import items_of, messages_of
from local.emulator.language.calls import told
from local.emulator.language.dataset import (
    DatasetError,
    Message,
    check_dataset,
    have_calls,
    have_pictures,
    read_examples,
    read_pairs,
)

from .harness import BASE_MODEL, finished, upload
from .in_process import inside

PNG = b"\x89PNG\r\n\x1a\n"
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"required": []}}}
ANSWER = {"role": "assistant", "content": "Aye."}
QUESTION = {"role": "user", "content": "Add."}


def embedded(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def shown(url: Any, **more: Any) -> dict[str, Any]:
    """A user's message with a picture."""
    picture = {"type": "image_url", "image_url": {"url": url, **more}}
    return {"role": "user", "content": [{"type": "text", "text": "What is it? "}, picture]}


def read(*messages: dict[str, Any], **more: Any) -> tuple[Message, ...]:
    line = json.dumps({"messages": [*messages, ANSWER], **more}).encode()
    return read_examples([line])[0]


def asked(*messages: dict[str, Any], **more: Any) -> list[Message]:
    """What a chat model is given."""
    chat = parse({"messages": list(messages), **more})
    return told(chat.messages, chat.tools.told)


@pytest.mark.parametrize("system", [[], [{"role": "system", "content": "Be brief."}]])
@pytest.mark.parametrize(
    "given", [{"tools": [TOOL]}, {"functions": [TOOL["function"]]}, {"tools": []}, {}]
)
def test_an_example_tells_of_its_tools_in_the_words_of_a_chat(
    system: list[Any], given: dict[str, Any]
) -> None:
    *example, _ = read(*system, QUESTION, **given)
    assert example == asked(*system, QUESTION, **given)
    assert any('"name": "add"' in message.content for message in example) == any(given.values())


def test_a_preference_tells_of_its_tools_before_both_answers() -> None:
    line = {
        "input": {"messages": [QUESTION], "tools": [TOOL]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }
    (pair,) = read_pairs([json.dumps(line).encode()])
    for answered in (pair.preferred, pair.rejected):
        assert [m.content for m in answered[:-1]] == [
            m.content for m in asked(QUESTION, tools=[TOOL])
        ]
        assert [message.learned for message in answered] == [False, False, True]


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ("add", "no list"),
        ([{}], "without a function's name"),
        ([{"type": "function", "function": {"name": 1}}], "without a function's name"),
        ([{"function": {"name": "add", "parameters": []}}], None),
        ([{"function": {"name": "add", "parameters": [1]}}], "are no object"),
    ],
)
def test_tools_that_are_none_fail_the_file(tools: Any, problem: str | None) -> None:
    line = json.dumps({"messages": [QUESTION, ANSWER], "tools": tools}).encode()
    if problem is None:
        check_dataset([line])
        return
    with pytest.raises(DatasetError, match=f"Example 1 .*{problem}"):
        check_dataset([line])


@pytest.mark.parametrize("url", [embedded(PNG + b"one"), "https://example.com/a.png"])
def test_a_picture_is_the_same_in_an_example_and_in_a_chat(url: str) -> None:
    one, _ = read(shown(url, detail="low"))
    assert one == asked(shown(url))[0]
    assert (one.pictures, one.content[:13]) == (1, "What is it? <")
    (other, _) = read(shown(embedded(PNG + b"two")))
    assert one.content != other.content
    assert have_pictures([(one,)])
    assert not have_pictures([(Message("user", "What is it?"),)])


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (shown(None), "without a url"),
        (shown(""), "without a url"),
        (shown(embedded(PNG), detail="best"), "detail is none of auto, low, high"),
        (shown(embedded(PNG, "image/gif")), "of the type 'image/gif'"),
        (shown(embedded(b"GIF89a")), "is no image/png"),
        (shown("data:image/png;base64,%%"), "cannot be decoded"),
        (shown("data:image/png,abc"), "nor embedded in base64"),
        (shown("file:///a.png"), "nor embedded in base64"),
        (shown(embedded(PNG + bytes(10_000_000))), "10000008 bytes; 10000000 are allowed"),
        ({**shown(embedded(PNG)), "role": "system"}, "in a message of the system"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "neither text nor image"),
    ],
)
def test_what_is_no_picture_for_the_service_is_refused(
    message: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DatasetError, match=problem):
        read(message)
    with pytest.raises(InferenceError, match=problem):
        asked(message)


@pytest.mark.parametrize("count", [64, 65])
def test_an_example_has_so_many_pictures_at_most(count: int) -> None:
    messages = [shown(embedded(PNG))] * count
    if count == 64:
        assert sum(message.pictures for message in read(*messages)) == count
        return
    with pytest.raises(DatasetError, match="more than 64 images"):
        read(*messages)


def test_an_answer_may_be_a_refusal_or_empty() -> None:
    refused = [{"type": "refusal", "refusal": "No."}]
    said: list[Any] = [
        {"role": "assistant", "content": refused},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": ""},
    ]
    messages = [message for one in said for message in (QUESTION, one)]
    assert [m.content for m in asked(*messages)[1::2]] == ["No.", "No.", ""]


CALLED = {"function": {"name": "add", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("answer", "learned"),
    [
        (ANSWER, False),
        ({"role": "assistant", "tool_calls": [CALLED]}, True),
        ({"role": "assistant", "tool_calls": [CALLED], "weight": 0}, False),
    ],
)
def test_whether_an_example_teaches_to_call(answer: dict[str, Any], learned: bool) -> None:
    assert have_calls([read(QUESTION, answer, QUESTION, tools=[TOOL])]) is learned


def test_what_was_trained_on_calls_is_known_for_it(tmp_path: Path) -> None:
    """Also its checkpoints, and what is trained from it."""
    with inside(tmp_path) as emulator:
        registry = emulator.emulator.registry
        registry.add("one", BASE_MODEL, "j1", "a", 0, True)
        registry.add("two", "one", "j2", "b", 0)
        registry.add("none", BASE_MODEL, "j3", "c", 0)
        found = [registry.servable(name, None) for name in ("one", "two", "none", "gpt-4.1")]
    assert [model and model.learned_calls for model in found] == [True, True, False, False]


def test_a_response_reads_pictures_as_a_chat_does() -> None:
    url = embedded(PNG)
    content = [
        {"type": "input_text", "text": "What is it? "},
        {"type": "input_image", "image_url": url},
    ]
    items = items_of([{"role": "user", "content": content}], lambda id: None)
    assert messages_of(items) == asked(shown(url))
    wrong = [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]
    with pytest.raises(InferenceError, match="without a url"):
        messages_of(items_of(wrong, lambda id: None))
    file = [{"role": "user", "content": [{"type": "input_file"}]}]
    with pytest.raises(InferenceError, match="texts and images"):
        messages_of(items_of(file, lambda id: None))


def test_images_fail_the_job_of_a_model_that_is_not_trained_on_them(v1: OpenAI) -> None:
    line = json.dumps({"messages": [shown(embedded(PNG)), ANSWER]}).encode() + b"\n"
    file = upload(v1, line * 10)
    job = finished(v1, v1.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file).id)
    assert job.status == "failed"
    assert f"contains images, which fine-tuning of {BASE_MODEL} does not" in job.error.message
