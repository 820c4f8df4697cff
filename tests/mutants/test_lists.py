"""The lists of mutants: each can still be made of the code, and names tests that are there."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
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


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_names_tests_that_are_there(mutant: Mutant) -> None:
    """Where pytest finds none, it ends with an error, and nobody would notice the mutant."""
    assert not list(not_there(mutant.tests))


def test_no_change_is_listed_twice() -> None:
    changes = Counter((mutant.file, mutant.find, mutant.put) for mutant in MUTANTS)
    assert [change for change, count in changes.items() if count > 1] == []


@pytest.mark.parametrize(
    "tests",
    [
        ("tests/mutants/test_gone.py",),
        ("tests/mutants/test_lists.py::test_a_mutant",),
        ("tests/mutants/test_lists.py::Test_a_class::checkout",),
        ("tests/mutants/test_sample.py", "-k", "sample or nowhere"),
        ("-k", "checkout"),
    ],
)
def test_what_is_not_there_is_noticed(tests: tuple[str, ...]) -> None:
    assert list(not_there(tests))


def not_there(tests: Sequence[str]) -> Iterator[str]:
    """Files and tests that are not there, and words of a -k that stand in none of the files."""
    paths = [word.partition("::")[0] for word in tests if word.startswith("tests/")]
    text = "".join(map(source, paths))
    yield from [path for path in paths if not source(path)] if paths else ["a file"]
    for option, word in zip(("", *tests), tests, strict=False):
        if option == "-k":
            parts = set(re.findall(r"\w+", word)) - {"and", "or", "not"}
            yield from (part for part in parts if part not in text)
        elif "::" in word:
            path, *names = word.partition("[")[0].split("::")
            defined = re.findall(r"\b(?:def|class) (\w+)", source(path))
            yield from (name for name in names if name not in defined)


@cache
def source(path: str) -> str:
    """The name and the text of a file of tests, or of each in a folder; empty without one."""
    found = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("test_*.py"))
    return "".join(f"{one.name} {one.read_text(encoding='utf-8')}" for one in found if one.exists())


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
