"""Streams in OpenAI's plain form: what breaks clients is gone, and what was said is all there."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chat import streaming
from shared.chat.plain import is_plain, plain
from tests.chat import upstream as up
from tests.support.in_process import in_process

SAFE = {"hate": {"filtered": False, "severity": "safe"}}
# As Azure sends them, with the filter before the answer, in it and behind it.
PROMPT = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
}
NOTE = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [
        {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": SAFE,
            "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 60},
        }
    ],
    "usage": None,
}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(*choices: dict[str, Any], **more: object) -> dict[str, Any]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": list(choices), **more}


def choice(delta: dict[str, Any], finish: str | None = None, **more: object) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish, **more}


def sse(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def read(event: bytes) -> Any:
    return json.loads(event.removeprefix(b"data: ")) if event else None


@pytest.mark.parametrize(
    ("came", "left"),
    [
        (PROMPT, None),
        (NOTE, None),
        ({**PROMPT, "prompt_filter_results": None, "prompt_annotations": []}, None),
        (
            chunk(choice({"content": "a"}, content_filter_results=SAFE), usage=None),
            chunk(choice({"content": "a"})),
        ),
        # The filter ends an answer without a delta: the end must be seen.
        (
            chunk({"index": 0, "finish_reason": "content_filter", "content_filter_results": {}}),
            chunk({"index": 0, "finish_reason": "content_filter", "delta": {}}),
        ),
        (
            chunk(choice({"content": "a"}), {"index": 1, "content_filter_results": SAFE}),
            chunk(choice({"content": "a"})),
        ),
        (chunk(usage=USAGE), chunk(usage=USAGE)),
        (chunk(usage=USAGE, prompt_filter_results=[]), chunk(usage=USAGE)),
        (chunk(choice({}), usage=USAGE), chunk(choice({}), usage=USAGE)),
    ],
)
def test_what_is_left_of_a_chunk(came: dict[str, Any], left: dict[str, Any] | None) -> None:
    assert read(plain(sse(came))) == left


@pytest.mark.parametrize(
    "event",
    [
        b"data: [DONE]\n\n",
        b": keep-alive\n",
        b": a comment\n\n",
        sse({"error": {"message": "no", "code": "x"}}),
        sse({"error": {"message": "no"}, "choices": []}),
        sse(chunk(choice({"content": "ü\u2028\ud7ff"}))),
        b'data:{"id":"c",  "choices":[{"index":0,"delta":{}}]}\r\n\r\n',
        b"data: {\n\n",
        b"data: [1]\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"\n\n",
    ],
)
def test_what_is_plain_already_passes_byte_for_byte(event: bytes) -> None:
    assert plain(event) == event


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
CHOICE = st.fixed_dictionaries(
    {},
    optional={
        "index": JSON,
        "delta": st.just({"content": "x"}) | JSON,
        "finish_reason": st.sampled_from([None, "stop", "content_filter"]),
        "content_filter_results": JSON,
    },
)


HEAD = st.dictionaries(st.sampled_from(["id", "usage", "prompt_filter_results"]), JSON)


@given(st.lists(CHOICE | JSON, max_size=3), HEAD, JSON)
def test_whatever_comes_has_the_plain_form(
    choices: list[Any], head: dict[str, Any], odd: object
) -> None:
    for value in ({**head, "choices": choices}, {**head, "choices": odd}):
        made = read(plain(sse(value)))
        if made is None:
            continue
        assert made["choices"] or made["usage"]
        assert all(isinstance(one["delta"], dict) for one in made["choices"])
        assert "filter" not in "".join([*made, *(name for one in made["choices"] for name in one)])


def test_other_fields_of_an_event_and_half_a_pair_stay() -> None:
    event = b'id: 7\nevent: message\ndata: {"choices": [{"delta": {"content": "\\ud83d"}, '
    event += b'"content_filter_results": {}}]}\n\n'
    made = plain(event)
    assert made.startswith(b"id: 7\nevent: message\ndata: {")
    assert made.endswith(b"}\n\n")
    assert rb"\ud83d" in made


@pytest.mark.parametrize(
    ("model", "names", "is_one"),
    [
        ("captain", (), False),
        ("captain", ("captain",), True),
        ("captain@2", ("captain",), True),
        ("captain", ("captain@2",), False),
        ("captain@2", ("captain@2",), True),
        ("tickets", ("captain",), False),
        ("tickets", ("*",), True),
    ],
)
def test_the_setting_names_models(model: str, names: tuple[str, ...], is_one: bool) -> None:
    assert is_plain(model, names) is is_one


async def test_a_silent_stream_has_comments_that_make_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Decoders that take every empty line for the end of an event (openai-go before 3.1, and the
    one of openai-python where an id came before) would give an event without data."""
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.02)
    go_on = asyncio.Event()
    chat = {"model": "captain", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        server.plan("captain-v1", up.stream(up.event("one"), go_on, up.event("two")))
        asyncio.get_running_loop().call_later(0.2, go_on.set)
        got = (await http.post("/v1/chat/completions", json=chat)).content
    assert b": keep-alive\n" in got
    assert got.replace(b": keep-alive\n", b"") == b"".join(
        [up.event("one"), up.event("two"), b"data: [DONE]\n\n"]
    )


STREAM = [
    sse(PROMPT),
    sse(chunk(choice({"role": "assistant", "content": ""}, content_filter_results={}))),
    sse(chunk(choice({"content": "Green "}, content_filter_results=SAFE), usage=None)),
    sse(NOTE),
    sse(chunk(choice({"content": "light."}))),
    sse(chunk(choice({}, "stop"))),
    sse(NOTE),
    sse(chunk(usage=USAGE)),
]


@pytest.mark.parametrize("asks_usage", [True, False])
@pytest.mark.parametrize("setting", ["", "tickets, captain"])
async def test_a_stream_by_the_setting(
    setting: str, asks_usage: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"TUNEDROP_PLAIN_STREAMS": setting}
    chat: dict[str, object] = {
        "model": "captain",
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    if asks_usage:
        chat["stream_options"] = {"include_usage": True}
    async with up.upstream() as server, in_process(server.url, monkeypatch, **more) as (http, *_):
        server.plan("captain-v1", up.stream(*STREAM))
        got = (await http.post("/v1/chat/completions", json=chat)).content
    came = STREAM if asks_usage else STREAM[:-1]
    if not setting:
        assert got == b"".join(came) + b"data: [DONE]\n\n"
        return
    *events, done, rest = got.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    chunks = [read(event) for event in events]
    assert [bool(c["choices"]) for c in chunks] == [True] * 4 + [False] * asks_usage
    assert (
        "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:4]) == "Green light."
    )
    assert (chunks[-1].get("usage") == USAGE) is asks_usage


def test_text_is_written_as_text_and_an_event_of_several_lines_is_read_as_one() -> None:
    half = "\ud83d"  # of a pair
    came = chunk(choice({"content": f"¿Qué? {half}"}, content_filter_results=SAFE))
    lines = json.dumps(came).encode().replace(b', "choices"', b',\ndata:"choices"')
    made = plain(b"data:" + lines + b"\n\n")
    assert "¿Qué?".encode() in made
    assert read(made) == chunk(choice({"content": f"¿Qué? {half}"}))


def test_a_version_is_named_by_the_first_part_of_its_name() -> None:
    assert is_plain("captain@2@3", ("captain",))
    assert not is_plain("captain@2@3", ("captain@2",))
