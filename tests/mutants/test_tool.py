"""The tool's findings: how a change is told, which survivors need a reason, what the page says."""

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from docs.generate import mutants as page
from tests.mutants.mutant import Mutant, all_mutants, of_the_day
from tests.mutants.tool import figures
from tests.mutants.tool.change import ARROW, described, is_of_words
from tests.mutants.tool.known import Equivalent, equivalents, judged
from tests.mutants.tool.run import FOUND, Change, Module, Tried, modules, seen_afresh
from tests.mutants.trial import ROOT

DIFF = """--- shared/run/spec.py
+++ shared/run/spec.py
@@ -1,4 +1,4 @@
 def _known(name):
-    near = get(
-        name, n=1)
+    near = get(name, n=2)
     return near
"""
LIMIT = Module("shared/a.py", ("tests/test_a.py",))


def test_a_change_is_told_in_one_line_that_does_not_move_with_its_place() -> None:
    assert described("_known", DIFF) == "_known: near = get( name, n=1) => near = get(name, n=2)"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('raise E("Ask for less.")', 'raise E("XXAsk for less.XX")', True),
        ('raise E("Ask for less.")', 'raise E("ask for less.")', True),
        ('"It goes on.", 1)', '"IT GOES ON.", 1)', True),
        ('raise E("Ask for less.")', "raise E(None)", False),
        ('raise E("Ask for less.", fix)', 'raise E("Ask for less.", )', False),
        ('raise E("Ask for less.")', 'raise E("")', False),
        ('answer["model"]', 'answer["XXmodelXX"]', False),
        ('if n < 1: say("a b")', 'if n <= 1: say("a b")', False),
        ('f("a b", "c d")', 'f("A B", "C D")', False),
        ("a = b or c", "a = b and c", False),
    ],
)
def test_the_words_of_a_message_need_no_reason_and_all_else_does(
    before: str, after: str, words: bool
) -> None:
    assert is_of_words(f"f: {before} => {after}") is words


def test_a_survivor_without_a_reason_is_told_and_so_is_a_reason_without_a_survivor() -> None:
    tried = Tried(LIMIT, 9, ("f: a => b", "f: c => d", 'f: "a b" => "A B"'))
    known = [
        Equivalent("shared/a.py", "it is so", ("f: a => b", "f: gone => x")),
        Equivalent("shared/b.py", "another module's", ("f: c => d",)),
    ]
    found = judged(tried, known)
    assert (found.unexplained, found.stale) == (("f: c => d",), ("f: gone => x",))
    assert (found.explained, found.words) == (1, 1)


@pytest.mark.parametrize("fate", ["survived", "no tests", "not checked", "suspicious", "skipped"])
def test_a_change_that_no_test_has_reached_is_not_found(fate: str) -> None:
    assert fate not in FOUND


def test_only_what_is_done_at_import_is_tried_once_more_in_a_process_of_its_own(
    tmp_path: Path,
) -> None:
    module = replace(LIMIT, tests=("test_a.py",), at_import=("_joined",))
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants/test_a.py").write_text(
        "import os\n\ndef test_a():\n    assert os.environ['MUTANT_UNDER_TEST'] != 'seen'\n"
    )
    for name, function, found in (
        ("seen", "_joined", True),
        ("seen", "other", False),
    ):
        change = Change(name, "survived", f"{function}: a => b")
        assert seen_afresh(change, tmp_path, module) is found


def test_every_module_and_its_tests_are_there_and_every_reason_is_of_one() -> None:
    listed = modules()
    assert len({module.file for module in listed}) == len(listed)
    for module in listed:
        assert (ROOT / module.file).is_file()
        assert module.tests
        assert all((ROOT / test).exists() for test in module.tests)
    for item in equivalents():
        assert item.file in {module.file for module in listed}
        assert item.reason.endswith(".")
        assert len(set(item.changes)) == len(item.changes) > 0


def test_figures_are_kept_by_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "PATH", tmp_path / "figures.json")
    figures.PATH.write_text("[]")
    one, other = (
        figures.Figures(file, 9, unexplained, 1, 2, 0, 5, "2026-11-27")
        for file, unexplained in (("b.py", 0), ("a.py", 1))
    )
    figures.save([one])
    figures.save([other])
    assert figures.load() == [other, one]
    assert (one.found, one.right(0), other.right(0), other.right(1)) == (6, True, False, True)
    assert figures.known() == {"a.py": 1, "b.py": 0}
    assert not replace(one, stale=1).right(0)


def test_every_reason_is_of_code_that_is_there() -> None:
    """Seen at once, and not only when the tool runs."""
    for item in equivalents():
        code = " ".join((ROOT / item.file).read_text(encoding="utf-8").split())
        for change in item.changes:
            before = change.partition(": ")[2].partition(ARROW)[0]
            assert before in code, f"{item.file}: {change}"


# ---- the lists


def test_the_sample_is_the_days_own_wherever_it_is_drawn() -> None:
    mutants = all_mutants()
    drawn = of_the_day(mutants, 3)
    assert len({mutant.name for mutant in drawn}) == 3
    random.seed(7)
    assert of_the_day(mutants, 3) == drawn
    assert len(of_the_day(mutants[:2], 3)) == 2


def test_another_day_has_another_one() -> None:
    days = [date(2026, 11, number) for number in range(1, 11)]
    assert len({of_the_day(all_mutants(), 1, day)[0].name for day in days}) > 5


def test_the_page_names_every_fault_with_what_finds_it() -> None:
    made = page.page()
    for mutant in all_mutants():
        assert mutant.name.replace("|", "\\|") in made
    fault = Mutant(
        "a|b", "it\nis so", "shared/run/x.py", "a", "b", ("tests/run/test_x.py::test_y",)
    )
    assert page._row(fault) == "| a\\|b | it is so | `run/test_x.py::test_y` |"
