"""The fast tests on each of the other Pythons of this machine."""

import pytest

from tests.environments import OTHERS

from ..fast_tests import run

# In memory, and none takes long: models and prices, datasets, verdicts, a run's rules and its life.
FAST = (
    "tests/catalog",
    "tests/model",
    "tests/dataset/test_corpus.py",
    "tests/dataset/test_shared_tools.py",
    "tests/run/test_rules.py",
    "tests/run/test_run_yaml.py",
    "tests/run/test_parrot.py",
)


@pytest.mark.parametrize("version", OTHERS)
def test_they_pass(version: str) -> None:
    run(version, FAST, make=True)
