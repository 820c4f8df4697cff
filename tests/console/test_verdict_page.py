"""The page of a verdict: scores, what has become worse, and why there is none."""

from typing import Any

import pytest

from tests.support.console import PHONE, Opened, Tab
from tests.support.console_models import (
    HOSTILE,
    forget_answers,
    judged,
    keep_answers,
    model_with_versions,
)
from tests.support.stack import StackHarness

SHOWN = HOSTILE.replace("\u202e", "\\u202e")
QUOTED = "Quotes are masked and shortened."


@pytest.fixture
def runs(stack: StackHarness) -> list[dict[str, Any]]:
    """Of two versions, of which the second has a verdict and kept answers."""
    found = model_with_versions(stack, "galley")
    judged(stack, found[1], found[0])
    keep_answers(stack, found[1], found[0])
    return found


def test_scores_are_drawn_and_told_and_so_is_how_far_they_carry(
    runs: list[dict[str, Any]], tab: Tab
) -> None:
    tab.open(f"runs/{runs[1]['id']}/verdict")
    tab.see("Against galley@1, the champion")
    primary = tab.page.get_by_role("row").filter(has_text="decides")
    assert "100.0" in primary.inner_text()  # the champion's score
    assert primary.locator("svg circle").count() == 1
    words = tab.text()
    assert "0 of 12 examples are better, 2 worse" in words
    assert "With 12 examples a true loss of" in words


def test_both_answers_stand_side_by_side_and_whole_ones_on_demand(
    runs: list[dict[str, Any]], tab: Tab
) -> None:
    tab.open(f"runs/{runs[1]['id']}/verdict")
    tab.see(QUOTED)
    worse = tab.page.locator(".regression")
    assert worse.count() == 2
    assert worse.filter(has_text="It is line 2.").filter(has_text=SHOWN).count() == 1
    assert "END" not in tab.text()
    tab.page.get_by_role("button", name="Show whole answers").dblclick()
    tab.see("Answers are whole")
    said = worse.filter(has_text="END").locator("pre").all_inner_texts()
    assert (said[0], said[1][-3:], said[2]) == ("It is line 1.", "END", "It is line 1.")
    assert worse.filter(has_text=SHOWN).count() == 1
    assert sum("answers.jsonl" in asked for asked in tab.asked) == 1


def test_answers_that_are_not_kept_any_more_are_said_so(
    runs: list[dict[str, Any]], tab: Tab
) -> None:
    forget_answers(tab.stack, runs[1])
    tab.open(f"runs/{runs[1]['id']}/verdict").see(QUOTED)
    tab.press("Show whole answers")
    tab.see("The whole answers are not kept any more")


def test_where_there_is_no_verdict_the_reason_is_told(runs: list[dict[str, Any]], tab: Tab) -> None:
    tab.open(f"runs/{runs[0]['id']}/verdict")
    tab.see("galley@1 is not compared: ")
    tab.stack.drop("sunk", training_set=b"{")
    rejected = tab.stack.ended_run("sunk")
    tab.open(f"runs/{rejected['id']}/verdict")
    tab.see("no verdict")
    tab.see("The dataset has errors")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_can_be_used_by_all(runs: list[dict[str, Any]], tabs: Opened, dark: bool) -> None:
    tab = tabs(PHONE, dark=dark)
    tab.open(f"runs/{runs[1]['id']}/verdict").see("Who was asked")
    assert tab.violations() == []
    assert not tab.is_wider_than_its_screen()
