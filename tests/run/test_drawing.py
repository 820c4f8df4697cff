"""The sample of a validation file: the same one however it is read, and never too large."""

import json
from typing import Any

import pytest

from shared.run.drawing import HELD, LONGEST_LINE, Drawing, Sample
from tests.support.datasets import dataset


def drawn(content: bytes, most: int = 10, size: int = 100_000, *, chunk: int = 7_000) -> Sample:
    drawing = Drawing("seed", most, size)
    for start in range(0, len(content), chunk):
        drawing.feed(content[start : start + chunk])
    return drawing.finish()


def line(words: int, **more: Any) -> bytes:
    asked = {"role": "user", "content": "word " * words}
    message = {"role": "assistant", "content": "yes", **more}
    return json.dumps({"messages": [asked, message]}).encode() + b"\n"


@pytest.mark.parametrize("chunk", [1, 13, 100, 1 << 20])
def test_the_sample_is_the_same_however_the_file_is_cut(chunk: int) -> None:
    content = dataset(60)
    found = drawn(content, chunk=chunk)
    assert found == drawn(content)
    assert len(found.examples) == 10
    assert found.lines == 60
    lines = [example.line for example in found.examples]
    assert lines == sorted(lines)
    assert max(lines) > 10


def test_another_seed_is_another_sample() -> None:
    drawing = Drawing("another", 10, 100_000)
    drawing.feed(dataset(60))
    assert drawing.finish() != drawn(dataset(60))


def test_a_small_file_is_asked_whole_and_lines_count_as_people_count_them() -> None:
    content = b"\xef\xbb\xbf" + b"\r\n\n".join(dataset(3).splitlines())
    found = drawn(content)
    assert [example.line for example in found.examples] == [1, 3, 5]
    assert [e.request["messages"][0]["content"] for e in found.examples][1] == "What is 1?"


def test_lines_of_which_nothing_can_be_asked_make_room_for_others() -> None:
    useless = line(1, weight=0) + b"[1]\n{\n" + b"[" * 5_000 + b"\n"
    assert len(drawn(useless + dataset(6), most=5).examples) == 5


def test_no_more_bytes_are_asked_than_may_be() -> None:
    found = drawn(b"".join(line(200) for _ in range(100)), most=100, size=10_000)
    assert len(found.examples) == 10_000 // len(line(200))


def test_a_line_without_end_is_left_out_and_not_held() -> None:
    drawing = Drawing("seed", 10, 100_000)
    drawing.feed(dataset(5))
    for _ in range(64):
        drawing.feed(b"x" * (LONGEST_LINE // 8))
        assert len(drawing._rest) <= LONGEST_LINE + 1
    drawing.feed(b"\n" + dataset(5))
    assert len(drawing.finish().examples) == 10


def test_of_a_large_file_little_is_held() -> None:
    drawing = Drawing("seed", 2_000, 50_000)
    for _ in range(300):
        drawing.feed(line(1_000))
        assert sum(len(held) for _, _, held in drawing._held) <= HELD * 50_000
    assert drawing.finish().examples
