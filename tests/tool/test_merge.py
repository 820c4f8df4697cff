"""`tunedrop merge`: rated answers come to the dataset that was trained on, and nothing is lost."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shared.errors import DropError
from shared.run.folder import parse
from tests.dataset.builders import good, line, talk, varied
from tests.support import disks
from tunedrop.__main__ import cli
from tunedrop.data.provenance import beside

BASE = good(48)
ROWS = BASE.splitlines(keepends=True)
NEW, OTHER = line(varied(60)), line(varied(61))


def answered(number: int, text: str) -> bytes:
    example = varied(number)
    example["messages"][1] = {"role": "assistant", "content": text}
    return line(example)


def merge(folder: Path, additions: bytes, *options: str, base: bytes = BASE) -> tuple[Result, Any]:
    """The result, and the report; what was written is `folder/out.jsonl`."""
    (folder / "base.jsonl").write_bytes(base)
    (folder / "additions.jsonl").write_bytes(additions)
    names = [str(folder / name) for name in ("base.jsonl", "additions.jsonl")]
    call = ["merge", *names, "-o", str(folder / "out.jsonl"), "--json", *options]
    done = CliRunner().invoke(cli, call)
    return done, json.loads(done.stdout) if done.stdout else None


def out(folder: Path) -> bytes:
    return (folder / "out.jsonl").read_bytes()


def noted(report: Any) -> list[tuple[int, str, str, int]]:
    return [
        (one["line"], one["why"], Path(one["file"]).name, one["other"]) for one in report["noted"]
    ]


def test_two_rated_answers_come_to_the_forty_eight(tmp_path: Path) -> None:
    done, report = merge(tmp_path, NEW + OTHER)
    assert (done.exit_code, report["examples"], report["taken"]) == (0, 50, [1, 2])
    assert out(tmp_path) == BASE + NEW + OTHER


def test_what_is_there_already_is_left_out_and_told(tmp_path: Path) -> None:
    done, report = merge(tmp_path, ROWS[6] + NEW + NEW)
    assert done.exit_code == 0
    assert out(tmp_path) == BASE + NEW
    assert noted(report) == [
        (1, "duplicate", "base.jsonl", 7),
        (3, "duplicate", "additions.jsonl", 2),
    ]


CHANGED = answered(6, "Not so.")
POLICIES = [
    ((), 1, BASE + NEW),
    (("--conflicts", "base"), 0, BASE + NEW),
    (("--conflicts", "additions"), 0, b"".join(ROWS[:6]) + CHANGED + b"".join(ROWS[7:]) + NEW),
    (("--conflicts", "both"), 0, BASE + CHANGED + NEW),
]


@pytest.mark.parametrize(("options", "code", "expected"), POLICIES)
def test_a_conflict_is_listed_and_settled_as_asked(
    tmp_path: Path, options: tuple[str, ...], code: int, expected: bytes
) -> None:
    done, report = merge(tmp_path, CHANGED + NEW, *options)
    assert done.exit_code == code
    assert out(tmp_path) == expected
    assert report["examples"] == expected.count(b"\n")
    assert noted(report) == [(1, "conflict", "base.jsonl", 7)]


def test_of_two_additions_to_one_prompt_one_stands(tmp_path: Path) -> None:
    one, other = answered(60, "So."), answered(60, "Otherwise.")
    done, report = merge(tmp_path, one + other)
    assert (done.exit_code, out(tmp_path)) == (1, BASE + one)
    assert noted(report) == [(2, "conflict", "additions.jsonl", 1)]
    done, report = merge(tmp_path, one + other, "--conflicts", "both")
    assert (done.exit_code, out(tmp_path)) == (0, BASE + one + other)
    done, report = merge(tmp_path, one + other, "--conflicts", "additions")
    assert (done.exit_code, out(tmp_path)) == (0, BASE + other)
    assert noted(report) == [(1, "earlier", "additions.jsonl", 2)]
    again = answered(6, "Or so.")
    done, report = merge(tmp_path, CHANGED + again, "--conflicts", "additions")
    assert out(tmp_path) == BASE.replace(ROWS[6], again)
    assert noted(report) == [
        (1, "earlier", "additions.jsonl", 2),
        (2, "conflict", "base.jsonl", 7),
    ]
    _, report = merge(tmp_path, CHANGED + ROWS[6], "--conflicts", "additions")
    assert out(tmp_path) == BASE
    meant = merge(tmp_path, again, "--conflicts", "additions", base=BASE + CHANGED)[1]
    assert meant["taken"] == [1]


def test_what_was_not_learned_is_not_there_already(tmp_path: Path) -> None:
    example = varied(6)
    silent = {**example["messages"][1], "weight": 0}
    base = BASE.replace(ROWS[6], line({"messages": [example["messages"][0], silent]}))
    done, report = merge(tmp_path, ROWS[6], base=base)
    assert (done.exit_code, noted(report)) == (1, [(1, "conflict", "base.jsonl", 7)])
    merge(tmp_path, ROWS[6], "--conflicts", "additions", base=base)
    assert out(tmp_path) == BASE


def test_an_answer_that_stood_twice_is_replaced_once(tmp_path: Path) -> None:
    _, report = merge(tmp_path, CHANGED, "--conflicts", "additions", base=BASE + ROWS[6])
    assert out(tmp_path) == b"".join(ROWS[:6]) + CHANGED + b"".join(ROWS[7:])
    assert report["examples"] == 48


def test_a_prompt_that_is_meant_to_have_several_answers_takes_another(tmp_path: Path) -> None:
    done, report = merge(tmp_path, answered(6, "And so."), base=BASE + CHANGED)
    assert (done.exit_code, report["noted"]) == (0, [])
    assert out(tmp_path) == BASE + CHANGED + answered(6, "And so.")


def test_what_is_held_out_is_not_trained_on(tmp_path: Path) -> None:
    held = tmp_path / "held.jsonl"
    held.write_bytes(NEW)
    additions = NEW + answered(60, "In other words.") + OTHER
    _, report = merge(tmp_path, additions, "--validation", str(held))
    assert out(tmp_path) == BASE + OTHER
    assert noted(report) == [(1, "held-out", "held.jsonl", 1), (2, "held-out", "held.jsonl", 1)]


def test_a_folder_is_its_training_set_with_what_it_holds_out(tmp_path: Path) -> None:
    drop, merged = tmp_path / "captain", tmp_path / "merged.jsonl"
    drop.mkdir()
    (drop / "training_set.jsonl").write_bytes(BASE)
    (drop / "validation_set.jsonl").write_bytes(NEW)
    rated = tmp_path / "rated.jsonl"
    rated.write_bytes(NEW + OTHER)
    done = CliRunner().invoke(cli, ["merge", str(drop), str(rated), "-o", str(merged)])
    assert done.exit_code == 0
    assert merged.read_bytes() == BASE + OTHER
    assert "1 not taken, for it is held out:" in done.stdout


def test_lines_that_are_no_examples_are_kept_in_the_base_and_not_taken(tmp_path: Path) -> None:
    done, report = merge(tmp_path, b"{\n" + NEW + b"[]\n", base=b"\xef\xbb\xbf" + BASE + b"\n{\n{}")
    assert done.exit_code == 1
    assert out(tmp_path) == BASE + b"{\n{}\n" + NEW
    assert noted(report) == [(1, "unreadable", "", 0), (3, "unreadable", "", 0)]


def test_lines_that_cannot_be_read_are_told_whichever_file_has_them(tmp_path: Path) -> None:
    held = tmp_path / "held.jsonl"
    held.write_bytes(OTHER + b"{\n")
    done, report = merge(tmp_path, NEW, "--validation", str(held), base=BASE + b"{\n")
    assert (done.exit_code, out(tmp_path)) == (1, BASE + b"{\n" + NEW)
    assert report["base"] == {
        "name": str(tmp_path / "base.jsonl"), "examples": 48, "unread": [49],
    }  # fmt: skip
    assert report["validation"]["unread"] == [2]
    assert merge(tmp_path, NEW, base=BASE + b"{\n")[0].exit_code == 1
    call = ["merge", *(str(tmp_path / f"{name}.jsonl") for name in ("base", "additions"))]
    done = CliRunner().invoke(cli, [*call, "-o", call[1], "--validation", str(held)])
    assert f"{call[1]}: 48 examples, 1 line not readable" in done.stdout
    assert f"{held}: 1 example, 1 line not readable" in done.stdout
    assert f"tunedrop check {held}" in done.stderr


UNREADABLE = [gzip.compress(BASE), BASE.decode().encode("utf-16"), b"[" + NEW + b"]", b"- a\n"]


@pytest.mark.parametrize("content", UNREADABLE)
def test_a_file_of_which_nothing_can_be_read_is_not_merged(tmp_path: Path, content: bytes) -> None:
    held = tmp_path / "held.jsonl"
    held.write_bytes(content)
    for call in (
        {"base": content, "additions": NEW},
        {"additions": content},
    ):
        done, _ = merge(tmp_path, **call)
        assert (done.exit_code, "cannot be read. " in done.stderr) == (2, True)
    done, _ = merge(tmp_path, NEW, "--validation", str(held))
    assert (done.exit_code, "held.jsonl cannot be read. " in done.stderr) == (2, True)
    assert not (tmp_path / "out.jsonl").exists()
    assert merge(tmp_path, NEW, base=b"")[0].exit_code == 0


def test_additions_that_the_check_refuses_are_told(tmp_path: Path) -> None:
    merge(tmp_path, NEW + line({"messages": [varied(3)["messages"][0]]}))
    names = [str(tmp_path / f"{name}.jsonl") for name in ("base", "additions", "out")]
    done = CliRunner().invoke(cli, ["merge", *names[:2], "-o", names[2]])
    assert f"the check refuses some, as they were taken: tunedrop check {names[1]}" in done.stderr
    Path(names[1]).write_bytes(NEW)
    assert CliRunner().invoke(cli, ["merge", *names[:2], "-o", names[2]]).stderr == ""


def test_what_is_almost_there_is_taken_and_told(tmp_path: Path) -> None:
    words = " ".join(f"step{step} is it" for step in range(60))
    old = talk(
        {"role": "user", "content": f"Please {words}"}, {"role": "assistant", "content": words}
    )
    new = old.replace(b"Please", b"Pray")
    done, report = merge(tmp_path, new, base=BASE + old)
    assert (done.exit_code, out(tmp_path)) == (0, BASE + old + new)
    assert noted(report) == [(1, "near", "base.jsonl", 49)]


def test_it_is_told_in_words(tmp_path: Path) -> None:
    merge(tmp_path, CHANGED + ROWS[2] + NEW)
    call = ["merge", *(str(tmp_path / f"{name}.jsonl") for name in ("base", "additions"))]
    done = CliRunner().invoke(cli, [*call, "-o", str(tmp_path / "out.jsonl")])
    assert done.exit_code == 1
    base, additions = tmp_path / "base.jsonl", tmp_path / "additions.jsonl"
    assert f"{base}: 48 examples\n{additions}: 3 examples\n  1 taken\n" in done.stdout
    assert f"    {additions}:2 is {base}:3\n" in done.stdout
    assert f"    {additions}:1 answers otherwise than {base}:7\n" in done.stdout
    assert "--conflicts additions takes the new answers" in done.stdout
    assert f"49 examples in {tmp_path / 'out.jsonl'}" in done.stdout


# ---- where each line is from


def test_each_line_has_its_source_in_a_file_that_no_app_takes(tmp_path: Path) -> None:
    merge(tmp_path, CHANGED + NEW, "--conflicts", "additions")
    found = json.loads((tmp_path / "out.provenance.json").read_text())
    assert found["sha256"] == hashlib.sha256(out(tmp_path)).hexdigest()
    assert [Path(one["name"]).name for one in found["sources"]] == ["base.jsonl", "additions.jsonl"]
    assert found["sources"][0]["sha256"] == hashlib.sha256(BASE).hexdigest()
    assert len(found["lines"]) == 49
    assert [found["lines"][at] for at in (0, 6, 7, 48)] == [[0, 1], [1, 1], [0, 8], [1, 2]]
    assert found["noted"][0]["why"] == "conflict"
    with pytest.raises(DropError):
        parse(f"captain/{beside(Path('training_set.jsonl'))}")


def test_a_second_merge_carries_on_what_the_first_has_written(tmp_path: Path) -> None:
    merge(tmp_path, NEW)
    (tmp_path / "more.jsonl").write_bytes(OTHER)
    names = [str(tmp_path / name) for name in ("out.jsonl", "more.jsonl", "again.jsonl")]
    assert CliRunner().invoke(cli, ["merge", *names[:2], "-o", names[2]]).exit_code == 0
    found = json.loads((tmp_path / "again.provenance.json").read_text())
    sources = [Path(one["name"]).name for one in found["sources"]]
    assert sources == ["base.jsonl", "additions.jsonl", "more.jsonl"]
    assert [found["lines"][at] for at in (0, 48, 49)] == [[0, 1], [1, 1], [2, 1]]
    (tmp_path / "out.jsonl").write_bytes(BASE)  # it is no longer what was merged
    CliRunner().invoke(cli, ["merge", *names[:2], "-o", names[2]])
    found = json.loads((tmp_path / "again.provenance.json").read_text())
    assert [Path(one["name"]).name for one in found["sources"]] == ["out.jsonl", "more.jsonl"]


def test_the_base_can_be_written_anew_in_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_bytes(BASE)
    (tmp_path / "rated.jsonl").write_bytes(NEW)
    mine, rated = str(tmp_path / "mine.jsonl"), str(tmp_path / "rated.jsonl")
    for _ in range(2):
        assert CliRunner().invoke(cli, ["merge", mine, rated, "-o", mine]).exit_code == 0
        assert (tmp_path / "mine.jsonl").read_bytes() == BASE + NEW


def test_a_wrong_call_writes_nothing(tmp_path: Path) -> None:
    assert merge(tmp_path, NEW, "--conflicts", "mine")[0].exit_code == 2
    pair = {
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "preferred_output": [{"role": "assistant", "content": "x"}],
        "non_preferred_output": [{"role": "assistant", "content": "y"}],
    }
    done, _ = merge(tmp_path, line(pair))
    assert (done.exit_code, "in the format dpo" in done.stderr) == (2, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["additions.jsonl", "base.jsonl"]


def test_a_full_disk_leaves_neither_half(tmp_path: Path) -> None:
    with disks.full(tmp_path / "disk") as folder:
        before = sorted(folder.iterdir())
        done, _ = merge(tmp_path, NEW, "--out", str(folder / "out.jsonl"))
        assert done.exit_code == 2
        assert "cannot be written: No space left on device" in done.stderr
        assert sorted(folder.iterdir()) == before
