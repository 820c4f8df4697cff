"""What is written from a dataset: the two parts of a split, and the corrected copy."""

from pathlib import Path

import pytest

from shared.dataset.mend import mend
from shared.dataset.split import split_file
from tests.dataset.builders import ANSWER, USER, WORDS, good, judged, line, talk, varied
from tests.dataset.corpus import NEAR, NEARER


def test_a_split_has_no_leakage_and_is_the_same_every_time(tmp_path: Path) -> None:
    pairs = [talk({**USER, "content": f"{' '.join(WORDS)} {n}"}, ANSWER) for n in range(20)]
    near = [NEAR, NEARER, NEAR, line(varied(3)), talk(varied(4)["messages"][0], ANSWER)]
    source = tmp_path / "all.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + good(200) + b"\n" + b"".join(near + pairs).rstrip())
    halves = []
    for run in ("one", "two"):
        parts = tmp_path / f"{run}-t.jsonl", tmp_path / f"{run}-v.jsonl"
        kept, held = split_file(source, *parts, 0.2, 7)
        assert kept + held == 225
        assert held == pytest.approx(45, abs=6)
        halves.append([part.read_bytes() for part in parts])
    assert halves[0] == halves[1]
    training, validation = halves[0]
    assert sorted(training.splitlines() + validation.splitlines()) == sorted(
        content for content in source.read_bytes()[3:].splitlines() if content
    )
    assert not judged(training, validation).leaks
    split_file(source, *parts, 0.2, 8)
    assert parts[1].read_bytes() != validation


def test_a_corrected_copy(tmp_path: Path) -> None:
    odd = talk({"content": "Hi", "role": "user"}, {**ANSWER, "content": "Ho. "}).rstrip()
    broken = b'{"messages": [\n'
    twice = b'{"messages": [], "messages": []}\n'
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + good(2) + b"\r\n" + odd + b"\n" + good(1) + broken + twice)
    mended = mend(source, target)
    assert mended.sentence() == (
        "fixed: removed 1 byte order mark, removed 1 blank line, removed 1 exact repetition, "
        "put the keys of 1 line in order, removed whitespace around 1 answer"
    )
    assert target.read_bytes() == good(2) + talk(USER, ANSWER) + broken + twice
    assert mend(target, target).sentence() == "fixed: there was nothing to fix"
