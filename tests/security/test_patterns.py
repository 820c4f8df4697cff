"""No text makes a pattern of the product slow: for each one texts are made from what it repeats."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.attacks import attacks
from tests.support.growth import seconds, too_slow
from tests.support.patterns import calls_in, patterns

FEW, MANY = 2_000, 8_000  # characters
LEAST = 0.002  # seconds: the time of less says nothing
HOPELESS = 0.02  # seconds for 20 characters
PATTERNS = patterns()


def is_slow(pattern: re.Pattern[Any]) -> str | None:
    """A text with which its time grows faster than the text."""
    short, long = (attacks(_text(pattern), pattern.flags, length) for length in (FEW, MANY))
    for few, many in zip(short, long, strict=True):
        for use in (pattern.search, pattern.fullmatch, lambda text: [*pattern.finditer(text)]):
            if seconds(_call(use, pattern, few[:20]), 1) > HOPELESS:
                return few[:20]
            if too_slow(_call(use, pattern, few), _call(use, pattern, many), LEAST):
                return few[:100]
    return None


def _text(pattern: re.Pattern[Any]) -> Any:
    return pattern.pattern


def _call(
    use: Callable[[Any], object], pattern: re.Pattern[Any], text: str
) -> Callable[[], object]:
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    return lambda: use(given)


@pytest.mark.parametrize("place", PATTERNS)
def test_no_text_makes_a_pattern_slow(place: str) -> None:
    assert is_slow(PATTERNS[place]) is None


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s*[\[{]\s*$",  # a lone bracket, behind blanks
        r"[\[{\s]+$",
        r"-eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.",
        r"(?:a+)+b",
        r"\w+@\w+",
        r'"(?:[^"\\]|\\.)*"',
        rb"\d+;",
    ],
)
def test_a_pattern_that_can_be_made_slow_is_seen(pattern: Any) -> None:
    assert is_slow(re.compile(pattern)) is not None


def test_every_pattern_is_found() -> None:
    assert len(PATTERNS) > 50
    assert any(".privacy" in place for place in PATTERNS)
    source = "import re\nA = re.compile('a+')\nB = re.sub(f'{A}', '', '')\n"
    assert [*calls_in(source)] == [(2, "a+"), (3, None)]
