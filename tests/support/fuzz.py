"""How much a fuzzer tries: the same hundred inputs in the suite, on demand for minutes.

    TUNEDROP_FUZZ=100000 python3 dev.py test -k fuzz

That number is of inputs for each fuzzer, and they are new ones each time. What a fuzzer has found
is kept beside it as an `@example`, so that the suite tries it for ever.
"""

import os
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, settings

IN_THE_SUITE = 100
OF_EACH_OPERATION = 3  # of those that a description has, in the suite

Test = TypeVar("Test", bound=Callable[..., object])


def fuzz(test: Test) -> Test:
    """The settings of a fuzzer; `given` and `example` stand below it."""
    return _settings(IN_THE_SUITE)(test)


def described(*suppressed: HealthCheck) -> settings:
    """The settings of a fuzzer of one operation, whose inputs a published description makes."""
    return _settings(OF_EACH_OPERATION, *suppressed)


def _settings(in_the_suite: int, *suppressed: HealthCheck) -> settings:
    asked = os.environ.get("TUNEDROP_FUZZ", "")
    return settings(
        max_examples=int(asked or in_the_suite),
        deadline=None,
        derandomize=not asked,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, *suppressed],
    )
