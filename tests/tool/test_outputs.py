"""Where the commands write: over nothing that they read, and in whatever encoding it has."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.dataset.builders import good, line, varied
from tunedrop.__main__ import cli

NAMED = ("D", "V", "F/training_set.jsonl", "F/validation_set.jsonl", "F/run.yaml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two datasets, a folder that is a drop, and other names of a dataset."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "F").mkdir()
    for name in NAMED[:4]:
        (tmp_path / name).write_bytes(good(30))
    (tmp_path / NAMED[4]).write_text("base_model: gpt-4.1-mini-2025-04-14\n")
    (tmp_path / "soft").symlink_to("D")
    os.link("D", "hard")
    return tmp_path


@pytest.mark.parametrize(
    "call",
    [
        "check D --html D",
        "check D --html ./F/../D",
        "check D --html soft",
        "check D --html hard",
        "check D --validation V --html V",
        "check F --html F/run.yaml",
        "check D --fix out --html out",
        "check D --html -",
        "check D --fix -",
        "split D --training D --validation out",
        "split D --training out --validation D",
        "split D --training out --validation out",
        "convert D -o D",
        "convert D -o -",
        "merge D V -o V",
        "merge D V -o -",
        "merge D V -o out --provenance out",
        "merge D V -o out --provenance V",
        "merge D V -o out --provenance D",
        "merge D V -o D --provenance D",
        "merge D F -o F/training_set.jsonl",
        "merge F V -o F/validation_set.jsonl",
        "merge F V -o F/run.yaml",
        "merge D V --validation hard -o out --provenance hard",
        "export captain --app http://127.0.0.1:9 --out out --provenance out",
    ],
)
def test_what_is_read_is_not_written_over(folder: Path, call: str) -> None:
    before = {name: (folder / name).read_bytes() for name in NAMED}
    there = sorted(folder.rglob("*"))
    done = CliRunner().invoke(cli, call.split())
    assert done.exit_code == 2
    said = ("is read here", "for two files", "is an input only")
    assert any(text in done.stderr for text in said), done.output
    assert {name: (folder / name).read_bytes() for name in NAMED} == before
    assert sorted(folder.rglob("*")) == there


def test_a_split_counts_examples_and_reads_a_file(folder: Path) -> None:
    (folder / "D").write_bytes(good(30) + b"{\n")
    run = CliRunner()
    done = run.invoke(cli, ["split", "D", "--training", "t", "--validation", "v"])
    held = len((folder / "v").read_bytes().splitlines())
    assert f"{30 - held} examples in t, {held} in v\n" in done.stdout
    done = run.invoke(cli, ["split", "-", "--training", "t", "--validation", "v"])
    assert (done.exit_code, "not the input" in done.stderr) == (2, True)


def test_two_forms_of_one_report_exclude_each_other(folder: Path) -> None:
    done = CliRunner().invoke(cli, ["check", "D", "--json", "--github"])
    assert (done.exit_code, done.stdout) == (2, "")


def test_what_is_no_file_may_take_several(folder: Path) -> None:
    call = "split D --training /dev/null --validation /dev/null"
    assert CliRunner().invoke(cli, call.split()).exit_code == 0


@pytest.mark.parametrize("charset", ["ascii", "cp437", "cp1252", "utf-8"])
def test_an_output_that_lacks_a_sign_ends_no_command(folder: Path, charset: str) -> None:
    (folder / "bad").write_bytes(good(12) + line({**varied(3), "sörce →": 1, "…": 2}) + b"{\n")
    run = CliRunner(charset=charset)
    for call, code in (
        ("check bad", 1),
        ("check bad --github", 1),
        ("diff D bad", 1),
        ("merge D bad -o out", 1),
        ("split bad --training t --validation v", 0),
    ):
        done = run.invoke(cli, call.split())
        assert done.exit_code == code, call
        assert not isinstance(done.exception, UnicodeError), call
    told = json.loads(run.invoke(cli, ["check", "bad", "--json"]).stdout)
    assert "sörce →" in str(told)
