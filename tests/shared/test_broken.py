"""What a connection that broke is said to be: in words, and never by the class of a library."""

import re
from pathlib import Path

import aiohttp
import pytest

import shared
from shared.cloud.broken import how

ROOT = Path(shared.__file__).parent
# A class's name in a text that somebody reads; those for logs, assertions and metrics are others.
NAMED = re.compile(r"\{type\(\w+\)\.__name__\}")
KEY = aiohttp.client_reqrep.ConnectionKey("h", 1, False, True, None, None, None)
ERRORS = [
    (aiohttp.ClientConnectorDNSError(KEY, OSError("x")), "its name is not known"),
    (aiohttp.ClientConnectorError(KEY, OSError("x")), "nobody takes the connection"),
    (aiohttp.ClientConnectorSSLError(KEY, OSError("x")), "its certificate is not accepted"),
    (aiohttp.ConnectionTimeoutError(), "it could not be reached in time"),
    (TimeoutError(), "it took too long"),
    (aiohttp.ServerDisconnectedError(), "without an answer"),
    (aiohttp.ClientPayloadError(), "ended before it was whole"),
    (aiohttp.InvalidURL("x"), "its address cannot be read"),
    (aiohttp.ClientOSError(), "the connection to it broke"),
    (aiohttp.ClientError(), "the connection to it broke"),
]


@pytest.mark.parametrize(("error", "words"), ERRORS, ids=lambda one: type(one).__name__)
def test_each_way_to_break_is_told_in_words(error: Exception, words: str) -> None:
    said = how(error)
    assert words in said
    assert not re.search(r"[A-Z]\w*Error", said)


@pytest.mark.parametrize("room", ["chat", "cloud"])
def test_no_message_names_a_class(room: str) -> None:
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted((ROOT / room).glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if NAMED.search(line) and "assert" not in line
    ]
    assert not found
