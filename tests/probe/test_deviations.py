"""A probe of an emulator that answers otherwise: each planted deviation is found, none invented."""

from collections import Counter
from pathlib import Path

import pytest

from tests.probe.deviant import Deviation
from tests.probe.deviations import DEVIATIONS, groups
from tests.probe.probed import Probed
from tunedrop.probe.questions import questions
from tunedrop.probe.report import differing


@pytest.mark.parametrize("planted", groups().values(), ids=list(groups()))
def test_each_deviation_is_found_and_nothing_else(
    probed: Probed, folder: Path, planted: tuple[Deviation, ...]
) -> None:
    probed.plant(planted)
    session = probed.run(folder, planted[0].area)
    found = set(differing(session.memory))
    assert [one.name for one in planted if one.finds[0] not in found] == []
    assert found - {question for one in planted for question in one.finds} == set()


def test_the_table_has_deviations_of_every_kind_and_each_is_seen_by_a_question_of_its_own() -> None:
    assert len(DEVIATIONS) >= 25
    assert min(Counter(one.kind for one in DEVIATIONS).values()) >= 4
    assert {question for one in DEVIATIONS for question in one.finds} <= set(questions())
    for planted in groups().values():
        first = [one.finds[0] for one in planted]
        assert len(set(first)) == len(first)
