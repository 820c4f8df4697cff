"""A page of the docs as a reader follows it: its fenced blocks, in order, and what each is.

Knows Markdown's fences and the conventions of our pages, and runs nothing.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
NUMBERS = re.compile(r"\d+(?:\.\d+)+")


@dataclass(frozen=True)
class Block:
    """`sh`: commands. No kind: what the commands before it print. `text`: what a model said, or
    what a person types. Others: a file, or a program."""

    kind: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in FENCE.findall(page)]


def not_printed(expected: Block, printed: str) -> list[str]:
    """The lines of a block that no line of an output is. Decimals (times, losses, scores) may be
    others, and what stands in the place of an ellipsis as well."""
    outputs = {_alike(line) for line in printed.splitlines()}
    return [line for line in expected.lines if not any(_fits(line, out) for out in outputs)]


def _fits(line: str, output: str) -> bool:
    parts = map(re.escape, _alike(line).split("…"))
    return re.fullmatch(".*".join(parts), output) is not None


def _alike(line: str) -> str:
    return re.sub(r" +", " ", NUMBERS.sub("0.0", line)).strip()
