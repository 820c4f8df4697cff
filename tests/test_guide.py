"""The pages that a newcomer reads first: what they say to type can be typed, and what they show is
what is printed. The whole tutorial on a stack: tests/end_to_end/long."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from docs.pictures import PLACES
from tests.support.pages import ROOT, Block, blocks, not_printed
from tests.support.reader import Reader
from tunedrop.__main__ import cli

TUTORIAL = "docs/tutorial.md"
LAB = "docs/from-the-lab.md"


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


@pytest.mark.parametrize("name", ["README.md", TUTORIAL])
def test_the_tool_takes_every_call_of_it(name: str) -> None:
    calls = [shlex.split(line) for line in commands(name) if line.startswith("tunedrop ")]
    assert calls
    for _, command, *words in calls:
        parsed(command, *words)


def parsed(command: str, *words: str) -> dict[str, Any]:
    """What the tool makes of a call. Raises its own error, with what it does not take."""
    named = getattr(typer.main.get_command(cli), "commands")[command]  # noqa: B009
    return dict(named.make_context(command, list(words)).params)


def test_the_labs_two_files_are_checked_as_what_they_are() -> None:
    """Two files side by side would be two training sets."""
    calls = re.findall(r"`tunedrop (check [^`]*validation_set[^`]*)`", text_of(LAB))
    assert calls
    for call in calls:
        taken = parsed(*shlex.split(call))
        assert list(map(str, taken["paths"])) == ["training_set.jsonl"]
        assert str(taken["validation"]) == "validation_set.jsonl"


def test_where_it_stands_is_said_before_anything_is_to_be_typed() -> None:
    before, _, _ = text_of("README.md").partition("```")
    assert "not been run against a live Azure account" in before
    assert "#where-it-stands" in before


def test_the_readmes_pictures_are_those_that_are_taken_of_a_running_demo() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(docs/pictures/(\w+)\.png\)", text_of("README.md"))
    assert len(shown) >= 2
    assert set(shown) <= set(PLACES)


def test_a_line_that_is_not_printed_is_found() -> None:
    printed = "  checked       0.3 s  \n41 examples in a.jsonl, 1 left out\nrun x-1 of 2026-11-28\n"
    good = "checked   12.5 s\n41 examples in a.jsonl, 1 left out\nrun x-1 of …\n"
    assert not_printed(Block("", good), printed) == []
    for line in ("40 examples in a.jsonl, 1 left out", "41 examples", "run x-2 of …", "checked"):
        assert not_printed(Block("", f"{line}\n"), printed) == [line]
