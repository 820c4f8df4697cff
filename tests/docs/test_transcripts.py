"""What the pages tell people to type, run where it needs no app: it does its work, and prints what
the page says."""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docs.markdown import ROOT, fences, named, pages
from tests.support import typed
from tunedrop.__main__ import cli
from tunedrop.group import SECTIONS

OFFLINE = SECTIONS["Datasets"]
TRANSCRIPTS = [f for page in pages() for f in fences(page) if typed.is_transcript(f)]


def in_turn(calls: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What writes over a file that others read comes last."""
    return sorted(calls, key=lambda words: (words[0] == "convert", words))


def test_what_needs_no_app_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among files of the names that pages use: each command does its work, whatever it finds. The
    tutorial's own are run where it is followed (tests/test_guide.py)."""
    monkeypatch.chdir(tmp_path)
    examples = ROOT / "examples/captain"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copytree(examples, tmp_path / "captain")
    shutil.copytree(examples, tmp_path / "last-month")
    training = (examples / "training_set.jsonl").read_text("utf-8")
    validation = (examples / "validation_set.jsonl").read_text("utf-8")
    for name in ("training.jsonl", "training_set.jsonl", "answers.jsonl", "merged.jsonl"):
        (tmp_path / name).write_text(training, "utf-8")
    for name in ("validation.jsonl", "rated.jsonl"):
        (tmp_path / name).write_text(validation, "utf-8")
    for name in ("answers.csv", "tickets.csv"):
        (tmp_path / name).write_text("id,question,answer\n1,Who?,Me.\n", "utf-8")
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n')
    (tmp_path / "run.yaml").write_text("seed: 1\n")
    calls = {
        call.words[1:]
        for call in typed.of_pages("tunedrop")
        if (call.words[1:2] and call.words[1] in OFFLINE) or "--offline" in call.words
        if call.fence.page.name not in ("tutorial.md", "README.md")
    }
    ended = {words: CliRunner().invoke(cli, words, input=training) for words in in_turn(calls)}
    assert len(ended) >= 16
    assert {w: done.output for w, done in ended.items() if done.exit_code not in (0, 1)} == {}


def matches(printed: list[str], expected: tuple[str, ...]) -> bool:
    """`…` stands for anything: alone on a line for lines, within one for a part of it."""
    lines = [r"(?:.*\n)*" if e.strip() == "…" else f"{_part(e)}\n" for e in expected]
    return re.fullmatch("".join(lines), "".join(f"{line}\n" for line in printed)) is not None


def _part(line: str) -> str:
    return ".*".join(map(re.escape, line.rstrip().split("…")))


def replayed(page: Path, folder: Path) -> list[tuple[str, str]]:
    """What was printed otherwise than the page says: of each command, all that it printed."""
    wrong = []
    for fence in (each for each in TRANSCRIPTS if each.page == page):
        for exchange in typed.exchanges(fence):
            words = exchange.typed.split()
            if words[0] == "cat":
                shown = folder / words[1]
                shown.parent.mkdir(parents=True, exist_ok=True)
                shown.write_text("\n".join(exchange.printed) + "\n", encoding="utf-8")
            elif words[1] in OFFLINE:
                done = CliRunner().invoke(cli, words[1:])
                if not matches(done.output.splitlines(), exchange.printed):
                    wrong.append((exchange.typed, done.output))
    return wrong


@pytest.mark.parametrize("page", sorted({f.page for f in TRANSCRIPTS}), ids=named)
def test_a_transcript_prints_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    prepare(named(page), tmp_path)
    assert replayed(page, tmp_path) == []


def prepare(page: str, folder: Path) -> None:
    """What a page takes for granted: here a month's dataset, two of its answers changed since."""
    if page != "docs/data.md":
        return
    lines = (ROOT / "examples/captain/training_set.jsonl").read_text("utf-8").splitlines()
    last = folder / "last-month"
    last.mkdir()
    (last / "training_set.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    for number in (7, 12):
        example = json.loads(lines[number - 1])
        example["messages"][-1]["content"] = f"Arr, number {number} be answered otherwise now."
        lines[number - 1] = json.dumps(example)
    asked = ["How deep is the harbour of Lisbon?", "Which knot holds a wet rope?"]
    lines += [
        json.dumps(
            {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        )
        for q, a in zip(asked, ["Arr, deep enough!", "Arr, a bowline!"], strict=True)
    ]
    (folder / "training_set.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def test_a_transcript_that_prints_something_else_is_seen() -> None:
    assert matches(["a 12 b", "x", "y", "end"], ("a … b", "  …", "end"))
    assert not matches(["a 12 b", "end"], ("a … c", "end"))
    assert not matches(["a", "b"], ("a",))


def test_transcripts_are_there() -> None:
    run = [e for f in TRANSCRIPTS for e in typed.exchanges(f) if e.typed.split()[1] in OFFLINE]
    assert len(run) >= 5
