"""Two faults of the day: that the tests still notice is tried wherever the suite runs."""

from pathlib import Path

from tests.mutants.mutant import all_mutants, of_the_day
from tests.mutants.trial import Fate, copied, try_one

# Rooms whose tests need no more than this process. Of their files only those that are named in part
# are drawn, for such tests are short; all others are tried by `dev.py mutants`.
IN_MEMORY = (
    *("tests/catalog/", "tests/chat/", "tests/dataset/", "tests/model/", "tests/run/"),
    *("tests/shared/", "tests/emulator/test_scheduler.py"),
)
DRAWN = 2


def quick(tests: tuple[str, ...]) -> bool:
    named = [test for test in tests if test.startswith("tests/")]
    narrow = "-k" in tests or all("::" in test for test in named)
    return narrow and all(test.startswith(IN_MEMORY) for test in named)


def test_faults_of_the_day_are_noticed(tmp_path: Path) -> None:
    drawn = of_the_day([mutant for mutant in all_mutants() if quick(mutant.tests)], DRAWN)
    assert len(drawn) == DRAWN
    checkout = copied(tmp_path / "checkout")
    for mutant in drawn:
        trial = try_one(mutant, checkout)
        assert trial.fate is Fate.FOUND, f"{mutant.name} ({mutant.promise}): {trial}"
