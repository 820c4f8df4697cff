"""`tunedrop diff`: what is another in a newer dataset, by the check's own identity."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.dataset.builders import good, line, talk, varied
from tunedrop.__main__ import cli

NOTHING: dict[str, Any] = {
    "added": [],
    "repeated": [],
    "removed": [],
    "fewer": [],
    "changed": [],
    "near": [],
    "conflicts": [],
}


def answered(number: int, text: str) -> bytes:
    """The example of that number with another answer."""
    example = varied(number)
    example["messages"][1] = {"role": "assistant", "content": text}
    return line(example)


def almost(number: int) -> bytes:
    """The example of that number, long, with a word more in its question."""
    words = " ".join(f"step{step} of{number} it" for step in range(60))
    return talk(
        {"role": "user", "content": f"Please {words}"},
        {"role": "assistant", "content": f"Done: {words}"},
    )


def reworded(number: int) -> bytes:
    return almost(number).replace(b"Please", b"Pray")


def diff(tmp_path: Path, old: bytes, new: bytes, *options: str) -> Result:
    paths = [tmp_path / "old.jsonl", tmp_path / "new.jsonl"]
    for path, content in zip(paths, (old, new), strict=True):
        path.write_bytes(content)
    return CliRunner().invoke(cli, ["diff", *map(str, paths), *options])


A, B, C = (line(varied(number)) for number in range(3))
CASES: list[tuple[str, bytes, bytes, int, dict[str, Any]]] = [
    ("the same", A + B, A + B, 2, {}),
    ("in another order", A + B, B + A, 2, {}),
    ("new", A, A + B, 1, {"added": [2]}),
    ("removed", A + B, B, 1, {"removed": [1]}),
    ("said twice", A + B, A + B + A, 2, {"repeated": [3]}),
    ("new and said twice", A, A + B + B, 1, {"added": [2], "repeated": [3]}),
    ("said once less", A + B + A, A + B, 2, {"fewer": [3]}),
    ("changed", A + B, answered(0, "No.") + B, 1, {"changed": [{"line": 1, "other": 1}]}),
    ("conflict", A + B, A + B + answered(1, "No."), 2, {"conflicts": [{"line": 3, "other": 2}]}),
    (
        "answers that differ on purpose",
        A + answered(0, "Ah.") + B,
        A + answered(0, "Ah.") + answered(0, "Oh.") + B,
        3,
        {"added": [3]},
    ),
    ("almost", almost(1) + B, B + reworded(1), 1, {"near": [{"line": 2, "other": 1}]}),
    (
        "almost, beside it",
        almost(1) + B,
        almost(1) + B + reworded(1),
        2,
        {"near": [{"line": 3, "other": 1}]},
    ),
    ("all of it", A, B, 0, {"added": [1], "removed": [1]}),
]


@pytest.mark.parametrize(
    ("old", "new", "unchanged", "differs"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_each_kind_of_difference_is_told(
    tmp_path: Path, old: bytes, new: bytes, unchanged: int, differs: dict[str, Any]
) -> None:
    done = diff(tmp_path, old, new, "--json")
    report = json.loads(done.stdout)
    told = {key: value for key, value in report.items() if key in NOTHING}
    assert (report["unchanged"], told) == (unchanged, NOTHING | differs)
    assert done.exit_code == (1 if differs else 0)


def test_it_is_told_in_counts_and_then_places(tmp_path: Path) -> None:
    new = answered(0, "No.") + good(20)[len(A) :] + answered(3, "No.") + reworded(1) + almost(2)
    done = diff(tmp_path, good(18) + almost(1), new)
    old = tmp_path / "old.jsonl"
    new_name = tmp_path / "new.jsonl"
    assert done.exit_code == 1
    assert f"{old}: 19 examples\n{new_name}: 23 examples\n  17 unchanged\n" in done.stdout
    assert f"  3 new: {new_name}:19, 20, 23\n" in done.stdout
    assert f"1 answered otherwise:\n    {new_name}:1 before in {old}:1\n" in done.stdout
    assert f"1 almost the same:\n    {new_name}:22 as {old}:19\n" in done.stdout
    assert f"    {new_name}:21 asks the same as {old}:4\n" in done.stdout


def test_what_cannot_be_read_is_told_and_not_compared(tmp_path: Path) -> None:
    for old, new, name in ((A + b"{\n", A, "old"), (A, A + b"{\n", "new")):
        done = diff(tmp_path, old, new)
        assert done.exit_code == 1
        assert "1 example, 1 line not readable" in done.stdout
        assert f"tunedrop check {tmp_path / name}.jsonl" in done.stderr


@pytest.mark.parametrize(
    "content", [gzip.compress(A), A.decode().encode("utf-16"), b"[" + A + b"]", b"[\n1,\n2]\n"]
)
def test_a_file_of_which_nothing_can_be_read_is_not_compared(
    tmp_path: Path, content: bytes
) -> None:
    for sides in ((content, A), (A, content)):
        done = diff(tmp_path, *sides)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "cannot be read. " in done.stderr
    assert diff(tmp_path, A, b"").exit_code == 1


def test_another_weight_is_another_example(tmp_path: Path) -> None:
    asked, said = varied(0)["messages"]
    plain = line({"messages": [asked, said]})
    silent, loud = (line({"messages": [asked, {**said, "weight": weight}]}) for weight in (0, 1))
    report = json.loads(diff(tmp_path, plain + B, silent + B, "--json").stdout)
    assert report["changed"] == [{"line": 1, "other": 1}]
    assert diff(tmp_path, plain, loud).exit_code == 0


def test_folders_stand_for_their_training_sets(tmp_path: Path) -> None:
    for name, content in (("one", A + B), ("two", B)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "training_set.jsonl").write_bytes(content)
    done = CliRunner().invoke(cli, ["diff", str(tmp_path / "one"), str(tmp_path / "two")])
    assert "1 removed: " in done.stdout
    for missing in (["diff", "nowhere", str(tmp_path / "one")], ["diff", "-", "-"]):
        assert CliRunner().invoke(cli, missing).exit_code == 2


def test_preferences_and_conversations_have_nothing_in_common(tmp_path: Path) -> None:
    answer = [{"role": "assistant", "content": "x"}]
    pair = {
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "preferred_output": answer,
        "non_preferred_output": [{"role": "assistant", "content": "y"}],
    }
    done = diff(tmp_path, A, line(pair))
    assert done.exit_code == 2
    assert "is in the format chat and" in done.stderr
    assert "in the format dpo" in done.stderr
