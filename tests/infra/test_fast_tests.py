"""A few of the fast tests on each of the other Pythons: tests/infra/long runs many more."""

import pytest

from tests.environments import OTHERS

from .fast_tests import run

# What a dataset must be, which base model takes what, and how answers are scored. No fixture of
# tests/conftest.py is needed, and all that it imports takes longer than these.
FEW = ("tests/catalog/test_models.py", "tests/dataset/test_corpus.py", "tests/model/test_scores.py")


@pytest.mark.parametrize("version", OTHERS)
def test_a_few_pass(version: str) -> None:
    run(version, ("--noconftest", *FEW), make=False)
