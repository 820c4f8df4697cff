"""However a line was chosen, checking it takes a time that grows with the line."""

import json
from collections.abc import Callable

import pytest

from tests.dataset.builders import ANSWER, ASKS, CALL, TOOL, USER, line, scan, talk
from tests.dataset.growth import MOST_GROWTH, seconds


def twice(count: int) -> bytes:
    """One object with many keys, one of them twice."""
    keys = ", ".join(f'"k{n}": 0' for n in range(count))
    return f'{{"messages": [], "k0": 0, {keys}}}\n'.encode()


def text(piece: str) -> Callable[[int], bytes]:
    def made(count: int) -> bytes:
        content = (piece * count)[:count]
        return talk({**USER, "content": content}, {**ANSWER, "content": content})

    return made


def wrong_calls(count: int) -> bytes:
    """A call with many arguments, none of which its tool has."""
    arguments = json.dumps({f"a{n}": n for n in range(count)})
    call = {**CALL, "function": {"name": "look", "arguments": arguments}}
    return talk(USER, {**ASKS, "tool_calls": [call]}, tools=[TOOL])


def many_calls(count: int) -> bytes:
    calls = [{**CALL, "id": f"c{n}"} for n in range(count)]
    return talk(USER, {**ASKS, "tool_calls": calls}, ANSWER, tools=[TOOL])


def systems(count: int) -> bytes:
    lines = ({"messages": [{"role": "system", "content": f"Be {n}."}, USER, ANSWER]} for n in
             range(count))  # fmt: skip
    return b"".join(map(line, lines))


LINES: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "spaces before what is no JSON": (20_000, lambda n: b" " * n + b"x\n"),
    "brackets": (20_000, lambda n: b"[ " * n + b"\n"),
    "quotes and spaces": (20_000, lambda n: b'{"a"' + b'" ' * n + b"\n"),
    "a key twice among many": (1_000, twice),
    "unknown keys": (500, lambda n: line({f"k{m}": m for m in range(n)})),
    "messages that are none": (2_000, lambda n: line({"messages": [1] * n})),
    "wrong arguments": (1_000, wrong_calls),
    "calls without answers": (500, many_calls),
    "system prompts": (500, systems),
    "one letter": (20_000, text("a")),
    "one sign": (20_000, text("=")),
    "spaces within a text": (20_000, lambda n: talk({**USER, "content": f"a{' ' * n}b"}, ANSWER)),
    "line feeds": (20_000, text("\n")),
    "emoji": (5_000, text("😀")),
    "control characters": (5_000, text("\x00")),
    "wrongly decoded letters": (5_000, text("Ã©")),
    "letters of alternating case": (20_000, text("aA")),
}


@pytest.mark.parametrize(("count", "make"), LINES.values(), ids=LINES)
def test_the_time_grows_with_the_line(count: int, make: Callable[[int], bytes]) -> None:
    few, many = make(count), make(4 * count)
    scan(few[:2000])  # vocabularies are loaded once
    took = seconds(lambda: scan(few))
    assert seconds(lambda: scan(many)) < MOST_GROWTH * max(took, 0.005)
