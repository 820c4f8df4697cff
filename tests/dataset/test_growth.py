"""However a file was chosen, checking it takes a time that grows with its length."""

import json
import random
from collections.abc import Callable

import pytest

from tests.dataset.builders import ANSWER, ASKS, CALL, GOOD, TOOL, USER, WORDS, line, scan, talk
from tests.support.growth import too_slow


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
    prompts = ({"role": "system", "content": f"Be {n}."} for n in range(count))
    return b"".join(talk(prompt, USER, ANSWER) for prompt in prompts)


def drifting(count: int) -> bytes:
    """Each example is almost the one before it, the last is nothing like the first."""
    chance = random.Random(1)
    words, lines = chance.choices(WORDS, k=60), []
    for number in range(count):
        words[chance.randrange(60)] = f"{chance.choice(WORDS)}{number}"
        lines.append(talk({**USER, "content": " ".join(words)}, ANSWER))
    return b"".join(lines)


CONTENTS: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "spaces before what is no JSON": (20_000, lambda n: b" " * n + b"x\n"),
    "brackets": (20_000, lambda n: b"[ " * n + b"\n"),
    "quotes and spaces": (20_000, lambda n: b'{"a"' + b'" ' * n + b"\n"),
    "a key twice among many": (1_000, twice),
    "unknown keys": (500, lambda n: line({f"k{m}": m for m in range(n)})),
    "messages that are none": (2_000, lambda n: line({"messages": [1] * n})),
    "wrong arguments": (1_000, wrong_calls),
    "calls without answers": (500, many_calls),
    "system prompts": (500, systems),
    "examples that drift": (500, drifting),
    "the same example": (1_000, lambda n: line(GOOD) * n),
    "broken lines": (1_000, lambda n: b'{"a"\n' * n),
    "blank lines": (20_000, lambda n: b"\n" * n),
    "one letter": (20_000, text("a")),
    "one sign": (20_000, text("=")),
    "spaces within a text": (20_000, lambda n: talk({**USER, "content": f"a{' ' * n}b"}, ANSWER)),
    "line feeds": (20_000, text("\n")),
    "emoji": (5_000, text("😀")),
    "control characters": (5_000, text("\x00")),
    "wrongly decoded letters": (5_000, text("Ã©")),
    "letters of alternating case": (20_000, text("aA")),
}


@pytest.mark.parametrize(("count", "make"), CONTENTS.values(), ids=CONTENTS)
def test_the_time_grows_with_the_file(count: int, make: Callable[[int], bytes]) -> None:
    few, many = make(count), make(4 * count)
    scan(few[:2000])  # vocabularies are loaded once
    assert too_slow(lambda: scan(few), lambda: scan(many)) is None
