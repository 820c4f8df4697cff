"""Pictures pass whole and unparsed, whatever surrounds them; all else has the limits of text."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chat import pictures
from shared.chat.parsing import BadRequest
from shared.chat.pictures import MAX_BODY_BYTES, MAX_TEXT_BYTES, lift
from shared.chat.protocol import parse_chat
from tests.chat import upstream as up
from tests.support.in_process import in_process

PHOTO = "data:image/jpeg;base64," + "iVBO" * 400


def said(*parts: object, **more: object) -> dict[str, object]:
    return {"model": "captain", "messages": [{"role": "user", "content": list(parts)}], **more}


def picture(url: str = PHOTO) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


URLS = st.integers(0, 1100).map(lambda size: "data:image/png;base64," + "A" * size)
TEXTS = URLS | st.text(max_size=8) | st.sampled_from(['"data:', "data:", '\\"data:', '"', "\\"])
JSON = st.recursive(
    TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.booleans())
def test_what_is_taken_out_is_put_back_where_it_was(value: Any, escaped: bool) -> None:
    body = json.dumps({"value": value}, ensure_ascii=escaped).encode()
    lifted = lift(body)
    assert lifted.put_back(lifted.rest) == body
    rest = json.loads(lifted.rest)
    assert json.loads(lifted.put_back(json.dumps(rest).encode())) == {"value": value}


@given(st.binary(max_size=60), st.sampled_from([PHOTO, PHOTO + "\\", PHOTO + '\\"', PHOTO + "ü"]))
def test_a_body_is_json_exactly_if_it_is_without_its_pictures(around: bytes, url: str) -> None:
    for body in (around + f'"{url}"'.encode(), f'["{url}"'.encode() + around, around):
        assert is_json(lift(body).rest) is is_json(body)


def is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode("utf-8", "replace"))
    except ValueError:
        return False
    return True


def test_a_caller_cannot_write_a_mark() -> None:
    first = lift(json.dumps(said(picture())).encode())
    mark = json.loads(first.rest)["messages"][0]["content"][0]["image_url"]["url"]
    sent = said({"type": "text", "text": mark}, picture())
    forwarded = parse_chat(json.dumps(sent).encode()).body_for("captain")
    assert json.loads(forwarded) == sent


@pytest.mark.parametrize("name", ["user", "model"])
def test_the_order_of_pictures_is_kept_where_a_name_stands_twice(name: str) -> None:
    """A parser keeps the last value at the first one's place."""
    one, two, three = (PHOTO + letter for letter in "BCD")
    body = json.dumps(said(picture(), user=one, other=two)).encode()
    body = body[:-1] + f', "user": "{three}"}}'.encode()
    forwarded = json.loads(parse_chat(body).body_for("captain"))
    assert (forwarded["user"], forwarded["other"]) == (three, two)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_in_every_encoding_a_picture_arrives(encoding: str) -> None:
    body = json.dumps(said(picture()), ensure_ascii=False).encode(encoding)
    assert json.loads(parse_chat(body).body_for("captain")) == said(picture())


def test_slashes_that_are_escaped_arrive_as_they_came() -> None:
    """PHP writes them so."""
    body = json.dumps(said(picture())).replace("/", "\\/").encode()
    lifted = lift(body)
    assert len(lifted.urls) == 1
    assert json.loads(parse_chat(body).body_for("captain")) == said(picture())


def test_a_picture_counts_as_one_and_not_by_its_bytes() -> None:
    tokens = [
        parse_chat(json.dumps(said(picture(PHOTO * size))).encode()).prompt_tokens
        for size in (1, 900)
    ]
    assert tokens[0] == tokens[1] < 1600


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": PHOTO * 3000},
        {"type": "text", "image": {"url": PHOTO * 3000}},
        {"type": "image_url", "image_url": {"detail": PHOTO * 3000}},
        {"type": "text", "text": "x" * MAX_TEXT_BYTES},
        picture("https://contoso.com/" + "a" * MAX_TEXT_BYTES),
    ],
)
def test_what_is_no_picture_has_the_limit_of_text(part: dict[str, object]) -> None:
    """Also a text that begins as one: it would cost tokens that nobody has counted."""
    with pytest.raises(BadRequest) as refused:
        parse_chat(json.dumps(said(part)).encode())
    assert refused.value.status == 413
    assert f"{MAX_TEXT_BYTES:,}" in refused.value.message
    assert f"{MAX_BODY_BYTES:,}" in refused.value.fix


def test_texts_that_look_like_pictures_are_counted_by_their_bytes() -> None:
    few, many = (
        parse_chat(json.dumps(said({"type": "text", "text": PHOTO * size})).encode())
        for size in (1, 100)
    )
    assert many.prompt_tokens - few.prompt_tokens == pytest.approx(99 * len(PHOTO) / 4, abs=5)


async def ask(http: httpx.AsyncClient, chat: dict[str, object]) -> httpx.Response:
    return await http.post("/v1/chat/completions", content=json.dumps(chat))


async def test_the_largest_picture_that_azure_takes_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = "data:image/jpeg;base64," + "iVBO" * (20 * 2**20 // 3)
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        answer = await ask(http, said({"type": "text", "text": "What is it?"}, picture(photo)))
        monkeypatch.setattr("shared.chat.relay.MAX_BODY_BYTES", 100_000)
        more = await ask(http, said(picture(PHOTO * 100)))
    assert answer.status_code == 200
    (part,) = server.calls[0].body["messages"][0]["content"][1:]
    assert part == picture(photo)
    assert more.status_code == 413
    assert "100,000" in more.json()["error"]["message"]
    assert relay.bodies.held == 0


def test_the_largest_picture_leaves_room_for_a_conversation() -> None:
    assert pictures.MAX_BODY_BYTES >= 20 * 2**20 * 4 / 3 + pictures.MAX_TEXT_BYTES


def test_bytes_of_another_encoding_are_not_taken_for_a_picture() -> None:
    """The first three characters have, in UTF-16, the bytes of `"data:`."""
    sent = said({"type": "text", "text": "\u6422\u7461\u3a61" + "A" * 600})
    body = json.dumps(sent, ensure_ascii=False).encode("utf-16-le")
    assert b'"data:' in body
    assert json.loads(parse_chat(body).body_for("captain")) == sent
