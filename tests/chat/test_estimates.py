"""What a chat counts as: pictures of all kinds, long numbers, the account of any answer."""

import json
import time
from typing import Any

import pytest

from shared.chat import cost
from shared.chat.parsing import MAX_DIGITS, BadRequest
from shared.chat.protocol import parse_chat

URLS: list[Any] = [
    {"url": "data:image/png;base64,AAAA"},
    {"url": "https://pictures.contoso.com/a.png"},
    {"url": "HTTPS://pictures.contoso.com/a.png", "detail": "high"},
    {"url": None},
    "https://pictures.contoso.com/a.png",
]


def asked(content: object, **more: Any) -> bytes:
    return json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": content}], **more}
    ).encode()


@pytest.mark.parametrize("url", URLS)
def test_every_picture_counts_as_one(url: Any) -> None:
    parts = [{"type": "image_url", "image_url": url}] * 60
    tokens = parse_chat(asked(parts)).prompt_tokens
    assert 60 * cost.PICTURE_TOKENS <= tokens <= 60 * cost.PICTURE_TOKENS + 1500


def test_the_account_of_an_answer_is_found_without_stopping_the_loop() -> None:
    """An answer may have 32 MB, and it is searched on the loop itself."""
    answer = b'"total_tokens":1,' * (32 * 2**20 // 17)
    seconds = []
    for _ in range(3):
        before = time.process_time()
        assert cost.counted(answer) == 1
        seconds.append(time.process_time() - before)
    assert min(seconds) < 0.05


def test_the_account_stands_after_an_answer_of_any_length() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    body = {"choices": [{"message": {"content": "x" * 10**6}}], "usage": usage}
    assert cost.counted(json.dumps(body).encode()) == 7


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_more_digits_is_refused(sign: str) -> None:
    number = sign + "9" * (MAX_DIGITS - len(sign))
    taken = asked("x", seed=0).replace(b'"seed": 0', f'"seed": {number}'.encode())
    assert f'"seed": {number}'.encode() in parse_chat(taken).body_for("m")
    with pytest.raises(BadRequest, match="has a number of 101 digits") as refused:
        parse_chat(taken.replace(b"99}", b"999}"))
    assert number not in str(refused.value)


def test_the_last_account_of_an_answer_counts() -> None:
    """A service may tell what has gathered so far with each event."""
    assert cost.counted(b'{"total_tokens": 5}, {"total_tokens": 70}') == 70
