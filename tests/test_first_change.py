"""The walked-through changes are about the code that is there, and what they say is needed is."""

import re
from pathlib import Path

import pytest

from local.emulator.control_plane.catalog import BASE_MODELS
from shared.catalog import facts
from shared.run.estimates import NORMAL
from shared.run.stages import ACTIVE, DEADLINES, RESTARTS, TRANSITIONS, Stage
from shared.run.steps import STEPS

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("docs/first-change.md", "CONTRIBUTING.md", "docs/releasing.md")
}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.-]*(?:/[\w.-]+)*\.(?:py|toml|md|js|json|yml|yaml|txt|svg|html)|[\w.-]+/")
NAME = re.compile(r"[A-Za-z_]\w*")
THEIRS = {"WARMING", "warm"}  # what the change itself brings
ELSEWHERE = {"Unreleased", "main"}  # no names of code
WAITS_FOR_A_PERSON = {Stage.READY, Stage.PAUSED}


def diffs() -> list[tuple[str, list[str]]]:
    """Of each diff on the page: the file, and the lines that it says stand there, one after the
    other."""
    found = []
    for language, body in FENCED.findall(PAGES["docs/first-change.md"]):
        if language == "diff":
            old, _, *lines = body.splitlines()
            there = [line[1:] for line in lines if not line.startswith("+")]
            found.append((old.removeprefix("--- a/"), there))
    return found


def prose(page: str) -> list[str]:
    return FENCED.sub("", PAGES[page]).split("\n\n")


@pytest.mark.parametrize(("file", "there"), diffs(), ids=[file for file, _ in diffs()])
def test_what_a_diff_changes_stands_there(file: str, there: list[str]) -> None:
    assert there
    assert "\n".join(there) in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = {text for text in NAMED.findall("".join(prose(page))) if FILE.fullmatch(text)}
    assert len(named) >= 2
    written = {".venv/", ".local/"}  # made by the set-up
    assert [name for name in named - written if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", ["docs/first-change.md"])
def test_every_name_of_code_stands_in_a_file_that_its_paragraph_names(page: str) -> None:
    """Or in one that the paragraphs above it have named, which it goes on to speak of."""
    seen, missing = "", []
    for paragraph in prose(page):
        if paragraph.startswith("## "):
            seen = ""
        named = NAMED.findall(paragraph)
        seen += "".join(
            (ROOT / name).read_text(encoding="utf-8")
            for name in named
            if FILE.fullmatch(name) and (ROOT / name).is_file()
        )
        names = [name for name in named if NAME.fullmatch(name) and name not in THEIRS]
        missing += [name for name in names if not re.search(rf"\b{name}\b", seen)]
    assert missing == []


def test_every_active_stage_has_all_that_a_stage_needs() -> None:
    """A restart, a step, a way out; a normal duration unless it waits for a person."""
    assert set(RESTARTS) == ACTIVE
    assert set(STEPS) == ACTIVE
    assert {stage for stage, _ in TRANSITIONS if stage in ACTIVE} == ACTIVE
    assert set(NORMAL) == ACTIVE - WAITS_FOR_A_PERSON
    assert set(DEADLINES) == ACTIVE - WAITS_FOR_A_PERSON - {Stage.COMPARING}


def test_the_console_knows_every_stage_in_the_order_of_a_life() -> None:
    text = (ROOT / "console/runs.js").read_text(encoding="utf-8")
    listed = re.search(r"const STAGES = \[(.*?)\]", text, re.DOTALL)
    assert listed
    assert re.findall(r'"(\w+)"', listed[1]) == [stage.value for stage in Stage]


def test_the_emulator_has_the_base_models_that_the_app_can_tune_and_serve() -> None:
    """Two lists on purpose; one without the other is an oversight."""
    theirs = {name for model in BASE_MODELS for name in (model.id, model.name)}
    ours = {known.name for known in facts.MODELS.values if known.methods and known.skus}
    assert len(ours) > 5
    assert ours - theirs == set()
