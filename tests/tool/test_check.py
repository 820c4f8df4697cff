"""`tunedrop check` and `split` of what people have: a folder, an input, files by their names; and
disks that take nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.dataset.builders import good, line, varied
from tests.support import disks
from tunedrop.__main__ import cli
from tunedrop.data import given


def check(*arguments: object, input: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["check", *map(str, arguments)], input=input)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "captain"
    folder.mkdir()
    (folder / "training_set.jsonl").write_bytes(good(60))
    (folder / "validation_set.jsonl").write_bytes(line(varied(3)))
    (folder / "run.yaml").write_text(
        "base_model: gpt-4.1-2025-04-14\nhyperparameters:\n  n_epochs: 2\n"
    )
    (folder / "notes.txt").write_text("nothing")
    return folder


def test_a_folder_is_checked_as_it_would_be_dropped(drop: Path) -> None:
    done = check(drop, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [(file["role"], file["counts"]) for file in report["files"]] == [
        ("training", {}),
        ("validation", {"leakage": 1}),
    ]
    assert report["plan"]["base_model"] == "gpt-4.1-2025-04-14"
    assert report["plan"]["epochs"] == 2


def test_what_the_call_says_stands_above_the_folders_run_yaml(drop: Path) -> None:
    report = json.loads(check(drop, "--json", "--epochs", "5").stdout)
    assert report["plan"]["epochs"] == 5
    assert report["plan"]["base_model"] == "gpt-4.1-2025-04-14"


def test_a_folder_without_run_yaml_has_the_plan_of_a_file(drop: Path) -> None:
    (drop / "run.yaml").unlink()
    of_folder = json.loads(check(drop, "--json").stdout)["plan"]
    assert of_folder == json.loads(check(drop / "training_set.jsonl", "--json").stdout)["plan"]


def test_a_folder_whose_run_yaml_no_app_takes_is_rejected(drop: Path) -> None:
    (drop / "run.yaml").write_text("epochs: 3\n")
    done = check(drop)
    assert done.exit_code == 1
    assert "line 1" in done.stderr
    assert "The datasets were not checked." in done.stderr
    assert "accepted" not in done.stdout


def test_a_folder_whose_promptfoo_file_no_app_takes_is_rejected(drop: Path) -> None:
    promptfoo = drop / "promptfooconfig.yaml"
    promptfoo.write_text("tests:\n  - assert:\n      - {type: python, value: 'True'}\n")
    done = check(drop)
    assert done.exit_code == 1
    assert "runs code" in done.stderr
    promptfoo.write_text("tests:\n  - assert:\n      - {type: contains, value: a}\n")
    assert check(drop).exit_code == 0


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["train.jsonl", "training.jsonl"], "one training file; in {} it is train.jsonl, training"),
        (["train.jsonl", "val.jsonl", "validation.jsonl"], "one validation file; in {} it is val"),
        (["validation.jsonl"], "one training file; in {} it is none of validation.jsonl"),
        (["data.jsonl"], "{} holds no training….jsonl, validation….jsonl or run.yaml. It has data"),
        ([], "{} holds no training….jsonl"),
        (["train.jsonl", "run.yaml", "run.yml"], "run.yaml and run.yml"),
    ],
)
def test_a_folder_that_is_no_drop_says_what_is_in_it(
    tmp_path: Path, names: list[str], said: str
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(good(10))
    done = check(tmp_path)
    assert done.exit_code in (1, 2)
    assert said.format(tmp_path) in done.stderr


def test_standard_input_is_a_training_set(tmp_path: Path) -> None:
    done = check("-", "--json", input=good(12))
    (file,) = json.loads(done.stdout)["files"]
    assert (done.exit_code, file["name"], file["examples"]) == (0, "standard input", 12)
    training = tmp_path / "training.jsonl"
    training.write_bytes(good(12))
    done = check(training, "--validation", "-", "--json", input=line(varied(3)))
    assert json.loads(done.stdout)["files"][1]["counts"] == {"leakage": 1}
    assert check("-", "--validation", "-").exit_code == 2
    assert "once only" in check("-", "--fix", tmp_path / "out.jsonl", input=b"").stderr


@pytest.mark.parametrize(
    "call",
    [
        "check nowhere.jsonl",
        "check --validation nowhere.jsonl",
        "split nowhere.jsonl --training t --validation v",
    ],
)
def test_a_path_that_is_missing_is_told_as_missing(call: str) -> None:
    done = CliRunner().invoke(cli, call.split())
    assert done.exit_code == 2
    assert done.stderr.startswith("tunedrop: nowhere.jsonl does not exist. Check the path")


def test_two_files_are_training_sets_and_a_name_that_says_otherwise_is_told(
    tmp_path: Path,
) -> None:
    training, validation = tmp_path / "training.jsonl", tmp_path / "validation.jsonl"
    training.write_bytes(good(12))
    validation.write_bytes(good(30))
    done = check(training, validation, "--json")
    assert [file["role"] for file in json.loads(done.stdout)["files"]] == ["training"] * 2
    assert f"--validation {validation}" in json.loads(done.stderr)["note"]
    assert check(training, "--validation", validation).stderr == ""
    assert check(training, training).stderr == ""


@pytest.mark.parametrize("answer", ["y", "n"])
def test_in_a_terminal_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    path = tmp_path / "validation.jsonl"
    path.write_bytes(good(30))
    monkeypatch.setattr(given, "_is_a_terminal", lambda: True)
    done = check(path, input=answer.encode() + b"\n")
    assert "is named like a validation set: check it as one?" in done.stderr
    assert ("USD" in done.stdout or "$" in done.stdout) == (answer == "n")


def test_one_file_is_not_both_sets(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_bytes(good(12))
    for name in (path, tmp_path / "no" / ".." / "one.jsonl"):
        (tmp_path / "no").mkdir(exist_ok=True)
        done = check(path, "--validation", name)
        assert done.exit_code == 2
        assert "as a training set and as the validation set" in done.stderr


def test_a_validation_set_can_be_checked_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "held.jsonl"
    path.write_bytes(line(varied(3)))
    done = check("--validation", path, "--json")
    assert [file["role"] for file in json.loads(done.stdout)["files"]] == ["validation"]
    assert check().exit_code == 2


# ---- what is corrected, and what is left


def test_fix_says_what_it_leaves(tmp_path: Path) -> None:
    path, copy = tmp_path / "extra.jsonl", tmp_path / "copy.jsonl"
    path.write_bytes(b"\n" + good(12) + line({**varied(20), "source": "shop"}) + b"{\n")
    done = check(path, "--fix", copy)
    assert "fixed: removed 1 blank line" in done.stderr
    assert "1× unknown-key" in done.stderr
    assert "--drop-unknown-keys" in done.stderr
    assert f"{copy} would be rejected" in done.stderr
    path.write_bytes(b"\n" + good(60))
    assert f"left: nothing; {copy} is clean" in check(path, "--fix", copy).stderr


def test_a_file_that_is_no_jsonl_is_told_and_not_fixed(tmp_path: Path) -> None:
    path, copy = tmp_path / "array.json", tmp_path / "copy.jsonl"
    path.write_text(json.dumps([varied(1)] * 2, indent=1))
    done = check(path, "--fix", copy)
    assert done.exit_code == 1
    assert "no line is an example. Write one in each line" in done.stderr
    assert f"{copy} was not written" in done.stderr
    assert "rejected" in done.stdout
    assert not copy.exists()


def test_unknown_keys_are_left_out_when_asked(tmp_path: Path) -> None:
    path, copy = tmp_path / "extra.jsonl", tmp_path / "copy.jsonl"
    plain = varied(20)
    extra: dict[str, Any] = {**plain, "source": "shop"}
    extra["messages"] = [{**message, "annotations": []} for message in plain["messages"]]
    path.write_bytes(good(12) + line(extra))
    done = check(path, "--fix", copy, "--drop-unknown-keys")
    assert "annotations (2), source (1)" in done.stderr
    assert copy.read_bytes() == good(12) + line(plain)
    assert check(path, "--drop-unknown-keys").exit_code == 2


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "wording": "Hi"},  # where the content may be
        {"user": "Hi"},  # the role is the key
        {"role": "user", "content": "Hi", "nam": "Ann"},  # a slip of the pen
    ],
)
def test_a_key_that_may_be_meant_stays(tmp_path: Path, message: dict[str, str]) -> None:
    path, copy = tmp_path / "extra.jsonl", tmp_path / "copy.jsonl"
    example = {"messages": [message, {"role": "assistant", "content": "Ho."}]}
    path.write_bytes(line(example))
    done = check(path, "--fix", copy, "--drop-unknown-keys")
    assert "may be misspelt stay" in done.stderr
    assert json.loads(copy.read_bytes()) == example


def test_a_file_can_be_fixed_in_its_own_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b"\n" + good(12))
    assert check(path, "--fix", path).exit_code == 0
    assert path.read_bytes() == good(12)
    assert list(tmp_path.iterdir()) == [path]


# ---- disks


@pytest.mark.parametrize("kind", ["full", "read_only"])
def test_a_disk_that_takes_nothing_is_named_and_nothing_is_left(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_bytes(b"\n" + good(400))
    reason = {"full": "No space left on device", "read_only": ""}[kind]
    with getattr(disks, kind)(tmp_path / "disk") as folder:
        before = sorted(folder.iterdir())
        for arguments in (
            ["check", source, "--fix", folder / "out"],
            ["check", source, "--html", folder / "out"],
            ["split", source, "--training", folder / "out", "--validation", folder / "held"],
        ):
            done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
            assert done.exit_code == 2, done.output
            assert f"tunedrop: {folder / 'out'} " in done.stderr
            assert f"cannot be written: {reason}" in done.stderr
            assert "None" not in done.stderr
            assert sorted(folder.iterdir()) == before


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_bytes(good(12))
    done = check(source, "--fix", tmp_path / "no" / "out.jsonl")
    assert done.exit_code == 2
    assert f"there is no folder {tmp_path / 'no'}" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
def test_an_output_that_takes_nothing_is_told(tmp_path: Path) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_bytes(good(12))
    command = [sys.executable, "-m", "tunedrop", "check", str(source)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"None" not in done.stderr


# ---- split


def test_split_tells_which_lines_it_could_not_read(tmp_path: Path) -> None:
    source, kept, held = (tmp_path / name for name in ("all.jsonl", "train.jsonl", "val.jsonl"))
    source.write_bytes(good(30) + b"{\n[]\n" + line(varied(40)))
    arguments = [source, "--training", kept, "--validation", held]
    done = CliRunner().invoke(cli, ["split", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    assert f"2 lines of {source} could not be read and went into {kept}" in done.stderr
    assert ": 31, 32. " in done.stderr
    assert b"{\n[]\n" in kept.read_bytes()
    arguments[-1] = kept
    assert CliRunner().invoke(cli, ["split", *map(str, arguments)]).exit_code == 2


def test_a_file_that_is_written_has_the_rights_of_any_other(tmp_path: Path) -> None:
    source, copy = tmp_path / "mine.jsonl", tmp_path / "copy.jsonl"
    source.write_bytes(good(12))
    source.chmod(0o640)
    (tmp_path / "any").write_bytes(b"")
    check(source, "--fix", copy)
    assert copy.stat().st_mode == (tmp_path / "any").stat().st_mode
    check(source, "--fix", source)
    assert source.stat().st_mode & 0o777 == 0o640
