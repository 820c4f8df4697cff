"""What is written from a dataset: the two parts of a split, and the corrected copy."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from shared.dataset import mend as mending
from shared.dataset import split as splitting
from shared.dataset.measure import similarity
from shared.dataset.mend import CannotMend, mend
from shared.dataset.split import split_file
from tests.dataset.builders import ANSWER, USER, WORDS, good, judged, line, scan, talk, varied
from tests.dataset.corpus import NEAR, NEARER


def test_a_split_has_no_leakage_and_is_the_same_every_time(tmp_path: Path) -> None:
    pairs = [talk({**USER, "content": f"{' '.join(WORDS)} {n}"}, ANSWER) for n in range(20)]
    near = [NEAR, NEARER, NEAR, line(varied(3)), talk(varied(4)["messages"][0], ANSWER)]
    source = tmp_path / "all.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + good(200) + b"\n" + b"".join(near + pairs).rstrip())
    halves = []
    for run in ("one", "two"):
        parts = tmp_path / f"{run}-t.jsonl", tmp_path / f"{run}-v.jsonl"
        kept, held, _ = split_file(source, *parts, 0.2, 7)
        assert kept + held == 225
        assert held == pytest.approx(45, abs=6)
        halves.append([part.read_bytes() for part in parts])
    assert halves[0] == halves[1]
    training, validation = halves[0]
    assert [len(part.splitlines()) for part in halves[0]] == [kept, held]
    assert all(part.endswith(b"\n") for part in halves[0])
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
    assert target.read_bytes() == good(2) + talk(USER, ANSWER) + broken + twice


def test_what_is_repeated_is_found_however_it_is_written(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    example = varied(1)
    tight = json.dumps(example, separators=(",", ":")).encode() + b"\n"
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    other = [{"function": {"parameters": {}, "name": "f"}, "type": "function"}]
    weighted = talk(USER, {**ANSWER, "weight": 0})
    source.write_bytes(
        line(example) + tight
        + line({**varied(2), "tools": tools}) + line({**varied(2), "tools": other})
        + talk(USER, ANSWER) + weighted
    )  # fmt: skip
    assert mend(source, source).counts == {"repeated": 2}
    assert source.read_bytes().endswith(talk(USER, ANSWER) + weighted)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([varied(1), varied(2)], indent=2).encode(),
        b"- messages:\n  - role: user\n\n  - role: user\n",
        gzip.compress(good(3)),
        good(3).decode().encode("utf-16"),
        b'{"prompt": "a", "completion": "b"}\n' * 3,
        b'{"role": "user", "content": "a"}\n' * 2,
    ],
)
def test_what_is_no_jsonl_of_examples_is_not_corrected(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "in"
    source.write_bytes(content)
    with pytest.raises(CannotMend, match="Nothing can be corrected"):
        mend(source, source)
    assert source.read_bytes() == content
    assert list(tmp_path.iterdir()) == [source]


def test_lines_that_are_no_examples_stay_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "in"
    content = good(2) + b"]\n" * 2 + b'{"a": 1}\n' * 2 + b"3\n" * 2
    for text in (content, b"[\n" + b",\n".join([line(varied(1)).strip()] * 3) + b"\n]\n"):
        source.write_bytes(text)
        mend(source, source)
        assert source.read_bytes() == text


def test_a_split_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where each choice brings new neighbours to light."""
    asked = []

    def groups(signatures: similarity.Signatures) -> similarity.Ints:
        asked.append(1)
        labels = np.arange(len(signatures))
        labels[len(asked) % (len(labels) - 1) + 1] = len(asked) % (len(labels) - 1)
        return labels

    monkeypatch.setattr(similarity, "groups", groups)
    index = scan(good(2000)).index
    splitting.held_out(index, 0.1, 1)
    assert len(asked) <= splitting.ROUNDS + 1


def test_long_lines_are_split_and_mended_in_pieces(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(splitting, "CHUNK", 1000)
    monkeypatch.setattr(mending, "MOST_UNREADABLE", 1000)
    long = talk({**USER, "content": "a" * 5000}, {**ANSWER, "content": "b "})
    source, *parts = (tmp_path / name for name in ("all", "training", "validation"))
    training, validation = parts
    source.write_bytes(b"\xef\xbb\xbf" + long + good(50) + b"\n" + long + good(60)[-400:].rstrip())
    kept, held, _ = split_file(source, training, validation, 0.2, 7)
    copied = training.read_bytes() + validation.read_bytes()
    assert sorted(copied.splitlines()) == sorted(filter(None, source.read_bytes()[3:].splitlines()))
    assert [kept, held] == [len(part.read_bytes().splitlines()) for part in parts]
    assert mend(source, tmp_path / "mended").counts == {"bom": 1, "blank": 1}
    assert (tmp_path / "mended").read_bytes().count(long) == 2


def test_a_line_of_many_values_is_copied_as_it_is(tmp_path: Path) -> None:
    many = b'{"messages": [' + b"{},  " * 250_000 + b'{}], "x": 1}\n'
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(many)
    mend(source, target)
    assert target.read_bytes() == many


def test_the_lines_that_are_compared_for_repetitions_are_bounded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mending, "MOST_LINES", 5)
    source = tmp_path / "in"
    source.write_bytes(good(8) + good(8))
    mended = mend(source, tmp_path / "out")
    assert mended.sentence() == "fixed: removed 5 exact repetitions; only 5 lines were compared"


def test_a_corrected_copy_of_itself_keeps_what_has_a_meaning(tmp_path: Path) -> None:
    blank = talk(USER, {**ANSWER, "content": "  "})
    twice = b'{"tools": [], "messages": [1], "messages": [2]}\n'
    source = tmp_path / "all.jsonl"
    source.write_bytes(good(2) + blank + twice)
    mend(source, source)
    assert source.read_bytes() == good(2) + blank + twice
    assert list(tmp_path.iterdir()) == [source]
