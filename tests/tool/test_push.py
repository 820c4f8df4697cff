"""What `tunedrop push` drops, in which order, and whom it tells the key."""

from pathlib import Path

import pytest

from tunedrop.app import App
from tunedrop.errors import CommandError
from tunedrop.push import blob_names


def folder(tmp_path: Path, *names: str) -> Path:
    made = tmp_path / "captain"
    made.mkdir()
    for name in names:
        (made / name).write_text("{}")
    return made


def test_the_training_file_comes_last_when_all_that_belongs_to_it_is_there(tmp_path: Path) -> None:
    drop = folder(tmp_path, "training.jsonl", "validation.jsonl", "run.yaml", "notes.txt")
    names = list(blob_names([drop], ""))
    assert names[-1] == "captain/training.jsonl"
    assert sorted(names[:-1]) == ["captain/run.yaml", "captain/validation.jsonl"]


@pytest.mark.parametrize("names", [("validation.jsonl",), ("training.jsonl", "training_2.jsonl")])
def test_a_drop_has_one_training_file(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="a drop has one training file"):
        blob_names([folder(tmp_path, *names)], "")


@pytest.mark.parametrize("address", ["file:///etc", "ftp://app", "app.example", "javascript:x"])
def test_the_key_goes_to_a_web_address_and_nowhere_else(address: str) -> None:
    with pytest.raises(CommandError, match="is no web address"):
        App(address, "the key").get("api/runs")
