"""A probe of the unchanged emulator: every question is asked, nothing differs, nothing is left."""

from pathlib import Path

import pytest

from tests.probe.probed import Probed
from tests.support.house import ROOT
from tunedrop.probe.price import AREAS
from tunedrop.probe.questions import questions
from tunedrop.probe.report import differing


def test_the_emulator_answers_as_its_table_says(probed: Probed, folder: Path) -> None:
    session = probed.run(folder, *AREAS)
    assert differing(session.memory) == []
    assert session.memory.left_out == {}
    assert set(questions()) == set(session.memory.answers)
    assert not any(probed.what_is_there().values())


@pytest.mark.parametrize(
    "settings",
    [
        # As BerriAI/litellm#24687 met it: keys without a value are null.
        {"job_shape": "null"},
        # A dataset is judged when it is uploaded: sources differ on when it is.
        {"validation": "import"},
        {"page_limit": 2},
        {"location": "eastus2"},
    ],
    ids=lambda one: "-".join(one),
)
def test_what_the_table_allows_both_ways_is_no_difference(
    probed: Probed, folder: Path, settings: dict[str, object]
) -> None:
    probed.emulator.context.settings.change(settings)
    session = probed.run(folder, "files", "jobs", "control")
    assert differing(session.memory) == []
    assert not any(probed.what_is_there().values())


def test_each_row_of_a_question_stands_in_the_emulators_table() -> None:
    page = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    operations = {name.strip() for cell in rows for name in cell.split(",")}
    assert {one.row for one in questions().values() if one.row} - operations == set()


def test_a_question_that_nobody_can_answer_yet_is_told_so_with_a_guess_or_without() -> None:
    unknown = [one for one in questions().values() if one.unknown]
    assert len(unknown) >= 12
    sourced = [one.id for one in questions().values() if one.source != "inferred"]
    assert len(sourced) > len(questions()) / 2
