"""The pages that a newcomer reads first: what they say to type can be typed, and what they show is
what is printed. The whole tutorial on a stack: tests/end_to_end/long."""

import shlex
import shutil
from pathlib import Path

import pytest
import typer

from tests.support.pages import ROOT, blocks
from tests.support.reader import Reader
from tunedrop.__main__ import cli

TUTORIAL = "docs/tutorial.md"
GUIDE = ["README.md", TUTORIAL, "docs/from-the-lab.md"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """The lines that a page says to type, without their comments."""
    lines = [line for block in blocks(text_of(name)) if block.kind == "sh" for line in block.lines]
    return [shlex.join(shlex.split(line, comments=True)) for line in lines if line.strip()]


def test_the_tutorial_up_to_the_drop_prints_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before, _, _ = text_of(TUTORIAL).partition("\n## 6. ")
    shutil.copytree(ROOT / "docs/tutorial", tmp_path / "docs/tutorial")
    monkeypatch.chdir(tmp_path)
    reader = Reader()
    for block in blocks(before):
        reader.read(block)
    assert reader.done[-1].startswith("tunedrop split")
    assert Path("library/validation_set.jsonl").exists()


@pytest.mark.parametrize("name", GUIDE)
def test_the_tool_takes_every_call_of_it(name: str) -> None:
    tool = typer.main.get_command(cli)
    for line in commands(name):
        program, *words = shlex.split(line)
        if program != "tunedrop" or not words:
            continue
        named = getattr(tool, "commands")[words[0]]  # noqa: B009
        named.make_context(words[0], words[1:])  # raises, with what it does not take
