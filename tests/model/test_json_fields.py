"""JSON is compared as machines read it: strictly, and whatever way it is written in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.json_fields import MAX_DEPTH, agreement, document, fields, unfenced

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": [{"b": 1, "b": 1}]}',
        '{"a": NaN}',
        "[Infinity]",
        "[1e999]",
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        "[" * 100_000,
        '{"a":' * 100_000,
        f"[{'9' * 5_000}]",
        '```json\n{"a": 1}\n```',
        'Here it is: {"a": 1}',
        '{"a": 1,}',
        "{'a': 1}",
        "42",
        '"text"',
        "null",
        "",
    ],
)
def test_what_a_machine_might_read_otherwise_is_no_document(text: str) -> None:
    assert document(text) is None


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', ' {"b":{"d":3,"c":2},"a":1}\n', True),
        ("[1, 2]", "[2, 1]", False),
        ("[1]", "[1.0]", True),
        ("[1]", "[true]", False),
        ("[0]", "[false]", False),
        ("[null]", "[false]", False),
        ('["1"]', "[1]", False),
        ("[[]]", "[{}]", False),
        ('{"caf\u00e9": "\u00e9"}', '{"cafe\u0301": "e\u0301"}', True),
        (r'["\u00e9"]', '["é"]', True),
        ('{"a.b": 1}', '{"a": {"b": 1}}', False),
        ('{"0": 1}', "[1]", False),
    ],
)
def test_what_is_one_document(one: str, other: str, alike: bool) -> None:
    assert (document(one) == document(other)) is alike


def test_fields_that_are_missing_and_fields_that_were_not_asked_for_both_count() -> None:
    wanted = document('{"a": 1, "b": 2}')
    assert wanted is not None
    shares = {'{"a": 1}': 0.5, '{"a": 1, "b": 3}': 0.5, '{"a": 1, "b": 2, "c": 3}': 2 / 3, "{}": 0}
    for text, share in shares.items():
        given_fields = document(text)
        assert given_fields is not None
        assert agreement(wanted, given_fields) == pytest.approx(share)


@given(JSON)
def test_a_value_agrees_with_itself(value: object) -> None:
    assert agreement(fields(value), fields(value)) == 1


def test_only_a_fence_around_all_of_it_is_taken_off() -> None:
    assert unfenced('```json\n{"a": 1}\n```\n') == '{"a": 1}'
    assert unfenced('```\n{"a": "```sh\\nls\\n```"}\n```') == '{"a": "```sh\\nls\\n```"}'
    for text in ('{"a": "```\\n1\\n```"}', "So:\n```json\n{}\n```", "```json {} ```"):
        assert unfenced(text) == text
