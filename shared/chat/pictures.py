"""Pictures within a request's bytes: taken out before it is parsed, put back where it is sent.

A photograph is megabytes that nobody here has to understand. Without it, a request is parsed and
written as quickly, and in as little memory, as its text alone. Knows where strings end, no JSON.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.chat.parsing import BadRequest

# OpenAI and Azure take 20 MB a picture (learn.microsoft.com/azure/ai-services/openai/how-to/
# gpt-with-vision, 2026-11): in base64 27 MB, beside which the conversation has its room.
MAX_BODY_BYTES = 32 * 2**20
MAX_TEXT_BYTES = 4 * 2**20  # of all but the pictures; far above what a model's window takes
LEAST_BYTES = 1024  # of what is taken out

_BEGIN = b'"data:'
MARK = re.compile(rb"data:([0-9a-f]{32})-([0-9]{8})")  # a request's secret, and which of its URLs


@dataclass(frozen=True, slots=True)
class Lifted:
    """A body whose long data URLs are `urls`; in their places in `rest` stand marks that nobody
    could have guessed."""

    rest: bytes
    urls: tuple[memoryview, ...] = ()
    secret: str = ""

    def besides(self, pictures: Iterable[str]) -> int:
        """Bytes of the body without the pictures: those of the given URLs, as they were parsed."""
        marked = set(pictures)
        named = ((_mark(self.secret, n).decode(), url) for n, url in enumerate(self.urls))
        return len(self.rest) + sum(len(url) for mark, url in named if mark not in marked)

    def put_back(self, written: bytes) -> bytes:
        """What was made of `rest`, with the URLs in their places."""
        if not self.urls:
            return written
        pieces, end, own = list[bytes | memoryview](), 0, self.secret.encode()
        for mark in MARK.finditer(written):
            if mark[1] == own:  # and not the mark of another request, which somebody has seen
                pieces += [written[end : mark.start()], self.urls[int(mark[2])]]
                end = mark.end()
        return b"".join([*pieces, written[end:]])


def lift(body: bytes) -> Lifted:
    """Raises BadRequest where too much is left without the data URLs.

    A string that begins with `data:` ends at the next quotation mark, unless a backslash is before
    it: then it stays where it is. What is taken out has no quotation mark, so the rest is JSON
    exactly if the body is, whatever the strings are.
    """
    if len(body) <= LEAST_BYTES or not json.detect_encoding(body).startswith("utf-8"):
        refuse_text(len(body))
        return Lifted(body)
    view, kept, urls = memoryview(body), list[bytes | memoryview](), list[memoryview]()
    secret, left = secrets.token_hex(16), 0
    for begin, end in _long_urls(body):
        kept += [view[left:begin], _mark(secret, len(urls))]
        urls.append(view[begin:end])
        left = end
    kept.append(view[left:])
    refuse_text(sum(map(len, kept)))
    return Lifted(b"".join(kept), tuple(urls), secret)


def _long_urls(body: bytes) -> Iterator[tuple[int, int]]:
    """Where each begins and ends."""
    at = body.find(_BEGIN)
    while at >= 0 and (end := body.find(b'"', at + len(_BEGIN))) >= 0:
        if _may_be_lifted(body, at + 1, end):
            yield at + 1, end
        at = body.find(_BEGIN, end)


def _mark(secret: str, number: int) -> bytes:
    return f"data:{secret}-{number:08}".encode()


def _may_be_lifted(body: bytes, begin: int, end: int) -> bool:
    long_enough = end - begin >= LEAST_BYTES
    return long_enough and body[end - 1] != ord("\\") and body[begin:end].isascii()


def refuse_text(size: int) -> None:
    """Raises BadRequest for that many bytes besides the pictures."""
    if size > MAX_TEXT_BYTES:
        raise BadRequest(
            f"The request has more than {MAX_TEXT_BYTES:,} bytes besides its pictures.",
            "Send less text. A picture is the data URL of an `image_url`; a request may have "
            f"{MAX_BODY_BYTES:,} bytes with its pictures.",
            status=413,
        )
