"""A line of a dataset, whatever it holds and however long: a report, no exception, bounded work.

Work is counted in steps and by the report's size, not timed: a busy machine changes neither.
"""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from shared.dataset.reading import limits
from shared.dataset.report import document, page
from shared.dataset.scan import Scan
from shared.dataset.verdict import judge
from tests.dataset.builders import ANSWER, ASKS, CALL, TODAY, TOOL, USER, good
from tests.support.fuzz import fuzz

LONGEST = 60_000  # characters of a value that is repeated: repeated again, it would fill memory


def _json(value: Any, *, ascii_only: bool = True) -> str:
    return json.dumps(value, ensure_ascii=ascii_only)


def _repeated(value: Any, times: int) -> list[Any]:
    return [value] * min(times, max(1, LONGEST // (len(_json(value)) + 2)))


def _again(line: bytes, times: int) -> bytes:
    return (line * min(times, LONGEST // len(line) + 1))[:LONGEST]


WORDS = [
    *("", " ", "a", "é", "😀", "\x00", '"', "\\", "[", "{", ",", ":", "a@b.co ", "-eyJaaaaaaaaaa"),
    *("4111 1111 1111 1111", "role", "messages", "1 ", "+1", "sk-", "Ã", "```", "-----BEGIN "),
]
TEXT = st.tuples(st.sampled_from(WORDS), st.integers(0, 3000)).map(lambda of: of[0] * of[1])
NUMBER = st.integers() | st.floats(width=32) | st.sampled_from([10**20, 10**400, -0.0, True])
SIMPLE = st.none() | TEXT | NUMBER
MANY = st.integers(0, 2000)
VALUE = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, MANY).map(lambda of: _repeated(*of)),
        st.dictionaries(TEXT, inner, max_size=4),
    ),
    max_leaves=8,
)
SCHEMA = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "object", "array", "integer", ["null"], 3]),
            "enum": st.lists(SIMPLE, max_size=5) | VALUE,
            "const": VALUE,
            "minimum": VALUE,
            "required": st.lists(TEXT | VALUE, max_size=3),
        },
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries({"properties": st.dictionaries(TEXT, inner, max_size=3)}),
        st.tuples(inner, st.integers(1, 500)).map(lambda of: {"anyOf": _repeated(*of)}),
    ),
    max_leaves=4,
)
ROLE = st.sampled_from(["system", "user", "assistant", "tool", "bot"]) | VALUE
CALLS = st.tuples(VALUE, MANY).map(
    lambda of: [
        {**CALL, "id": f"c{n}", "function": {"name": "look", "arguments": _json(of[0])}}
        for n in range(of[1] % 40)
    ]
)
MESSAGE = st.fixed_dictionaries(
    {"role": ROLE, "content": TEXT | VALUE},
    optional={"weight": VALUE, "tool_calls": CALLS | VALUE, "name": VALUE, "tool_call_id": VALUE},
)
TOOLS = SCHEMA.map(lambda schema: [{**TOOL, "function": {"name": "look", "parameters": schema}}])
EXAMPLE = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE | st.sampled_from([USER, ANSWER, ASKS]), max_size=6) | VALUE},
    optional={"tools": TOOLS | VALUE, "input": VALUE, "preferred_output": VALUE},
)
WRITTEN = st.one_of(
    (EXAMPLE | VALUE).map(lambda value: _json(value).encode()),
    EXAMPLE.map(lambda value: _json(value, ascii_only=False).encode(errors="replace")),
    st.tuples(EXAMPLE, st.integers(1, 9)).map(lambda of: _json(of[0]).encode()[: -of[1]]),
    st.tuples(EXAMPLE, st.integers(1, 2000)).map(lambda of: _again(_json(of[0]).encode(), of[1])),
    st.tuples(st.binary(max_size=6), st.integers(1, 10_000)).map(lambda of: of[0] * of[1]),
)  # fmt: skip


class Counting(limits.Steps):
    """Remembers all that was ever spent."""

    spent = 0

    def spend(self, steps: int, check: str) -> None:
        super().spend(steps, check)
        self.spent += steps


@fuzz
@given(WRITTEN, st.booleans())
@example(b"\x20" * 40_000 + b"x", False)
@example(b'{"messages": [], "tools": [{"function": {"parameters": {"required": [[]]}}}]}', True)
@example(b'{"messages": [{"role": {}, "content": [[], {}]}]}', False)
def test_any_line_gives_a_report_for_bounded_work(line: bytes, first: bool) -> None:
    scan, steps = Scan("training.jsonl"), Counting()
    scan._steps = steps
    scan.feed(line + b"\n" + good(2) if first else good(2) + line)
    verdict = judge([scan.finish()], scan._options.plan, TODAY)
    report = json.dumps(document.as_json("any", verdict), allow_nan=False)
    assert len(report.encode()) < 400_000
    assert len(page.as_html("any", verdict).encode()) < 200_000
    assert steps.spent <= limits.FIRST_STEPS + len(line)
    assert steps.spent <= 2 * limits.MOST_STEPS * (1 + line.count(b"\n"))  # on both paths
