"""The lists of mutants: each can still be made of the code, and names tests that are there."""

from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.trial import ROOT, Fate, try_one

MUTANTS = all_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_applies_to_the_code_as_it_is(mutant: Mutant) -> None:
    changed = mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8"))
    if mutant.file.endswith(".py"):
        compile(changed, mutant.file, "exec")
    paths = [test for test in mutant.tests if test.startswith("tests/")]
    assert paths
    assert all((ROOT / path.partition("::")[0]).exists() for path in paths)


def checkout(folder: Path, test: str) -> Path:
    (folder / "product.py").write_text("def answer():\n    return 42\n")
    (folder / "test_it.py").write_text(test)
    return folder


def mutant(**changes: str) -> Mutant:
    about = {"name": "wrong", "promise": "it is 42", "file": "product.py"}
    return Mutant(**{**about, "find": "42", "put": "41", "tests": ("test_it.py",), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "change", "fate"),
    [
        ("assert answer() == 42", {}, Fate.FOUND),
        ("assert answer()", {}, Fate.SURVIVED),
        ("assert answer() == 42", {"find": "43"}, Fate.BROKEN),
        ("assert answer() == 42", {"put": "("}, Fate.BROKEN),
    ],
    ids=["a test that notices", "one that does not", "changed code", "no code at all"],
)
def test_what_becomes_of_a_mutant(
    tmp_path: Path, test: str, change: dict[str, str], fate: Fate
) -> None:
    body = f"from product import answer\n\n\ndef test_answer():\n    {test}\n"
    folder = checkout(tmp_path, body)
    assert try_one(mutant(**change), folder).fate is fate
    assert (folder / "product.py").read_text() == "def answer():\n    return 42\n"
