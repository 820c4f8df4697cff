"""The tutorial from its first line to its last, on a real stack with the tiny model: some minutes
on a busy machine. `dev.py test tests/end_to_end/long` runs it; its part without a stack is in
tests/test_guide.py."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ROOT, blocks
from tests.support.reader import MODEL, STARTS, Reader
from tests.support.stack import StackHarness, running_stack, wait_for


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StackHarness]:
    """One that is started as the page says: it remembers chats with the model."""
    monkeypatch.setenv("TUNEDROP_REMEMBER", MODEL)
    with running_stack(tmp_path / "state") as started:
        yield started


def test_who_follows_the_tutorial_arrives(
    stack: StackHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".local").mkdir()
    stack.addresses.write(tmp_path / ".local")
    shutil.copytree(ROOT / "docs/tutorial", tmp_path / "docs/tutorial")
    monkeypatch.chdir(tmp_path)
    reader = Reader(stack.addresses)
    for block in blocks((ROOT / "docs/tutorial.md").read_text(encoding="utf-8")):
        reader.read(block)
    assert set(reader.done) > STARTS
    assert not reader.asked_to_type
    lines = Path("library/training_set.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["messages"][0]["content"] for line in lines]
    assert questions[-2:] == ["How do I get a library card?", "Are you open on public holidays?"]
    wait_for(lambda: stack.runs(MODEL) == [])
