"""How many keys a line has: what the strict reader drops, a key that is there twice, is noticed by
their number, so it must be right for every text and key, however they are written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dataset.reading.parsing import keys_written
from shared.dataset.reading.prefilter import Prefilter
from tests.dataset.builders import ANSWER, USER, line, scan

TEXTS = st.text(alphabet=' \t\r\n:"\\,[{aé', max_size=6)
VALUES = st.recursive(
    TEXTS | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
SIGNS = [(", ", ": "), (",", ":"), (" , ", " : "), (",\t", " \t:"), (",", "  :\r"), (", ", "\t:")]


def _written(value: Any, separators: tuple[str, str], *, ascii: bool) -> tuple[bytes, int]:
    """A line, and the number of its keys."""
    text = json.dumps(value, separators=separators, ensure_ascii=ascii)
    found: list[Any] = []
    json.loads(text, object_pairs_hook=found.extend)
    return text.encode(), len(found)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(VALUES, min_size=1, max_size=3), st.sampled_from(SIGNS), st.booleans())
def test_keys_are_counted_or_it_is_said_that_they_are_not(
    values: list[Any], separators: tuple[str, str], ascii: bool
) -> None:
    lines, exact = zip(*(_written(v, separators, ascii=ascii) for v in values), strict=True)
    assert tuple(map(keys_written, lines)) == exact
    for count, right in zip(Prefilter(lines).key_counts().tolist(), exact, strict=True):
        assert count in (-1, right)


def test_the_keys_of_most_lines_are_counted_at_once() -> None:
    lines = [line({"messages": [USER, ANSWER]}).strip(), b'{"a": "\\":", "b":"x: y\\n:"}', b"1"]
    assert Prefilter(lines).key_counts().tolist() == [5, 2, 0]


@pytest.mark.parametrize("text", [":param name: what it is", ': "', ":"])
def test_a_text_may_begin_with_a_colon(text: str) -> None:
    right = line({"messages": [{**USER, "content": text}, {**ANSWER, "content": text}]})
    twice = right.replace(b'"role"', b'"role": "user", "role"', 1)
    found = scan(right * 10 + twice)
    assert [(one.id, one.line) for one in found.findings if one.severity == "error"] == [
        ("duplicate-key", 11)
    ]
