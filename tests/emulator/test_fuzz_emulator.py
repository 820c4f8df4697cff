"""The emulator's parsers of what strangers write: never a failure, never without an end."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.emulator.core.protocol import MAX_BODY_BYTES, whole_number
from local.emulator.data_plane.uploads import MAX_PART_BYTES
from local.emulator.language.dataset import DatasetError, check_dataset, read_examples, read_pairs
from tests.support.fuzz import fuzz

from .harness import Running
from .strategies import ANY

FORM = "multipart/form-data; boundary=x"
PURPOSE = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n{}\r\n'
SOUND = PURPOSE + FILE + b"--x--\r\n"
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "tool"]) | ANY,
        "content": st.text() | ANY,
        "weight": st.sampled_from([0, 1]) | ANY,
        "tool_calls": ANY,
    },
)
LINE = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(MESSAGE, max_size=3) | ANY,
        "input": st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=2) | ANY}) | ANY,
        "preferred_output": st.lists(MESSAGE, max_size=2) | ANY,
        "non_preferred_output": st.lists(MESSAGE, max_size=2) | ANY,
    },
)


def refused(answer: httpx.Response) -> bool:
    error = answer.json()["error"]
    return answer.status_code < 500 and bool(error["code"]) and 0 < len(error["message"]) < 1100


# ---- the lines of a dataset


@fuzz
@given(lines=st.lists(LINE.map(json.dumps).map(str.encode) | st.binary(), max_size=4))
@example(lines=[b"[" * 100_000])
@example(lines=[b'{"messages": ' + b"[" * 100_000])
@example(lines=[b'{"messages": [{"role": "user", "content": "\\ud800"}]}'])
@example(lines=[b"1" * 10_000])
@example(lines=[b'{"messages": [{"role": "%s", "content": ""}]}' % (b"x" * 10**6)])
@example(lines=[b'{"messages": [{"role": "assistant", "content": "", "weight": 1e999}]}'])
def test_any_line_is_an_example_or_a_reason(lines: list[bytes]) -> None:
    for read in (read_examples, read_pairs, check_dataset):
        try:
            found: Any = read(lines)
        except DatasetError as error:
            assert str(error) and len(str(error)) < 2000
        else:
            for item in found or []:
                repr(item).encode()


# ---- forms


@fuzz
@given(cut=st.integers(0, len(SOUND)), junk=st.binary(max_size=30), at=st.integers(0, len(SOUND)))
@example(cut=len(SOUND), junk=b"\x00" * 30, at=60)
def test_any_form_is_a_file_or_a_reason(shared: Running, cut: int, junk: bytes, at: int) -> None:
    content = (SOUND[:at] + junk + SOUND[at:])[:cut]
    with shared.http() as client:
        answer = client.post("/openai/v1/files", content=content, headers={"content-type": FORM})
        if answer.status_code == 200:
            client.delete(f"/openai/v1/files/{answer.json()['id']}")
        else:
            assert refused(answer)


HOSTILE_FORMS = {
    "many fields": b"".join(FILE.replace(b"file", b"f%d" % n) for n in range(2000)),
    "many headers": b"--x\r\n" + b"".join(b"H%d: v\r\n" % n for n in range(20_000)),
    "long name": FILE.replace(b'"file"', b'"' + b"a" * 5_000_000 + b'"'),
    "long value": PURPOSE.replace(b"batch", b"b" * 5_000_000),
    "no end": FILE + PURPOSE[:-10],
    "a file twice": FILE + FILE + FILE,
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE_FORMS)
def test_a_form_made_to_exhaust_is_refused(emulator: Running, name: str) -> None:
    with emulator.http() as client:
        for kind in (FORM, f"{FORM}; charset=nope", "multipart/form-data", "x"):
            content = HOSTILE_FORMS[name]
            answer = client.post(
                "/openai/v1/files", content=content, headers={"content-type": kind}
            )
            assert answer.status_code in (400, 413) and refused(answer)


# ---- bodies without a length


def megabytes(count: int, before: bytes = b"", letter: bytes = b"[") -> Iterator[bytes]:
    yield before
    for _ in range(count):
        yield letter * 2**20


def sent(emulator: Running, path: str, content: Iterator[bytes], kind: str) -> int:
    """The status; 413 also where the connection was closed before all was sent."""
    try:
        with emulator.http() as client:
            answer = client.post(path, content=content, headers={"content-type": kind})
        assert refused(answer)
        return answer.status_code
    except (httpx.WriteError, httpx.ReadError):
        return 413


@pytest.mark.parametrize(
    "path", ["/openai/v1/chat/completions", "/openai/v1/fine_tuning/jobs", "/_emulator/clock"]
)
def test_a_body_in_chunks_has_the_same_limit(emulator: Running, path: str) -> None:
    much = MAX_BODY_BYTES // 2**20 + 2
    assert sent(emulator, path, megabytes(much), "application/json") in (413, 404)


def test_a_part_in_chunks_has_the_same_limit(emulator: Running) -> None:
    asked = {"bytes": 9, "filename": "f", "mime_type": "m", "purpose": "fine-tune"}
    version = "?api-version=2025-04-01-preview"
    with emulator.http() as client:
        upload = client.post(f"/openai/uploads{version}", json=asked).json()["id"]
    before = FILE.partition(b"{}")[0].replace(b'"file"', b'"data"')
    much = megabytes(MAX_PART_BYTES // 2**20 + 3, before)
    path = f"/openai/uploads/{upload}/parts{version}"
    assert sent(emulator, path, much, FORM) == 413


# ---- numbers


@fuzz
@given(st.text() | st.integers().map(str))
@example("²")
@example("٣")
@example("9" * 5000)
@example("+1")
@example("1_0")
def test_a_whole_number_is_of_digits(text: str) -> None:
    number = whole_number(text)
    assert number is None or (number >= 0 and set(text) <= set("0123456789"))


@pytest.mark.parametrize("number", ["9" * 400, "9" * 4000, "9" * 10_000, "%C2%B2", "%D9%A3", "1e5"])
def test_numbers_that_are_none_are_refused_everywhere(emulator: Running, number: str) -> None:
    with emulator.http() as client:
        for path in ("/openai/v1/files", "/openai/v1/fine_tuning/jobs", "/_emulator/journal"):
            assert refused(client.get(f"{path}?limit={number}"))
        assert refused(client.get(f"/_emulator/journal?after={number}"))
        if number.isdigit():
            for path, key in (
                ("/_emulator/clock", "advance_seconds"),
                ("/openai/v1/chat/completions", "temperature"),
                ("/openai/v1/fine_tuning/jobs", "seed"),
            ):
                assert refused(client.post(path, content=f'{{"{key}": {number}}}'))


@pytest.mark.parametrize("length", ["-1", "+5", "abc", "1" * 30, "²", "0x10"])
def test_a_length_that_is_none_is_refused(emulator: Running, length: str) -> None:
    address = httpx.URL(emulator.url)
    for path in ("/openai/v1/files", "/openai/v1/chat/completions", "/_emulator/clock"):
        connection = http.client.HTTPConnection(address.host, address.port, timeout=60)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", length.encode("latin-1"))
        connection.endheaders()
        assert connection.getresponse().status == 400
        connection.close()
