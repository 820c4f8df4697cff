"""All checks of one example, in the order in which their findings come.

To add a check: write it in one of the modules below, put it into its list here or in `shape`, its
texts into `findings/table.toml` and a case into `tests/dataset/corpus.py`. One whose work does not
follow the length of the example spends steps, as `json_schema` does. What is looked for in the
texts of an example is in `content`, what needs the whole file in `file_checks`.
"""

from collections.abc import Iterator
from functools import partial

from shared.dataset.checks.functions import functions_are_right
from shared.dataset.checks.parts import parts_are_right
from shared.dataset.checks.preference import is_preference, preference_is_right
from shared.dataset.checks.shape import SHAPE_CHECKS, Check
from shared.dataset.checks.tools import calls_are_answered, tools_are_right
from shared.dataset.findings.finding import RawFinding
from shared.dataset.reading.examples import Example
from shared.dataset.reading.limits import Steps

CHECKS: tuple[Check, ...] = (calls_are_answered, parts_are_right)  # after those of shape and tools


def check_example(example: Example, steps: Steps) -> Iterator[RawFinding]:
    """Raises limits.TooComplex."""
    check = partial(_check_conversation, steps=steps)
    yield from preference_is_right(example, check) if is_preference(example) else check(example)


def _check_conversation(example: Example, steps: Steps) -> Iterator[RawFinding]:
    for check in SHAPE_CHECKS:
        yield from check(example)
    yield from tools_are_right(example, steps)
    yield from functions_are_right(example, steps)
    for check in CHECKS:
        yield from check(example)
