"""The Portuguese pages say what the English ones say: the same sections, in each the same commands,
outputs, words of code, numbers, links and tables. What is said in between, a person compares."""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

import pytest

from tests.support.pages import FENCE, ROOT, Block, blocks

# Each Portuguese page, its English one, and where the part of that ends that is translated.
PAGES = {
    "docs/pt/README.md": ("README.md", "\n## On Azure\n"),
    "docs/pt/tutorial.md": ("docs/tutorial.md", ""),
    "docs/pt/from-the-lab.md": ("docs/from-the-lab.md", ""),
}
ENGLISH = {portuguese: english for portuguese, (english, _) in PAGES.items()}
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
CODE = re.compile(r"`[^`\n]+`")
NUMBER = re.compile(r"\d+(?:\.\d+)*")
HEADING = re.compile(r"(?m)^(#+) (.*)$")


@dataclass(frozen=True)
class Section:
    """What of a section is the same in each language. `level` of its heading, and its number."""

    level: int
    number: str
    blocks: tuple[Block, ...]
    rows: tuple[int, ...]  # columns of each row of its tables
    code: Counter[str]
    numbers: Counter[str]
    links: Counter[str]


def sections(name: str, end: str = "") -> list[Section]:
    text = (ROOT / name).read_text(encoding="utf-8")
    text = text.partition(end)[0] if end else text
    # A `#` within a fence is no heading: fences keep their place as their number.
    fences = blocks(text)
    numbered = iter(range(len(fences)))
    plain = FENCE.sub(lambda _: f"\x00{next(numbered)}\x00", text)
    headings = list(HEADING.finditer(plain))
    ends = [heading.start() for heading in headings[1:]] + [len(plain)]
    return [
        section(heading, plain[heading.end() : stop], fences, name)
        for heading, stop in zip(headings, ends, strict=True)
    ]


def section(heading: re.Match[str], body: str, fences: list[Block], name: str) -> Section:
    own = tuple(said_alike(fences[int(place)]) for place in re.findall(r"\x00(\d+)\x00", body))
    prose = re.sub(r"\x00\d+\x00", "", body)
    words = LINK.sub("]", CODE.sub("", prose))
    return Section(
        len(heading[1]),
        "".join(re.findall(r"^\d+", heading[2])),
        own,
        tuple(line.count("|") for line in prose.splitlines() if line.startswith("|")),
        Counter(CODE.findall(prose)),
        Counter(NUMBER.findall(words)),
        Counter(led_to(name, target, anchor) for target, anchor in LINK.findall(prose)),
    )


def said_alike(block: Block) -> Block:
    """Commands without what is said about them in a language."""
    if block.kind != "sh":
        return block
    lines = (re.sub(r"\s+# .*$", "", line) for line in block.lines)
    return Block("sh", "\n".join(lines))


def led_to(name: str, target: str, anchor: str) -> str:
    """The English page that a link of a page leads to, itself or translated; of one that is not
    translated its anchor as well. A link to a page in the other language is no difference."""
    here = PurePosixPath(name).parent
    path = Path(ROOT / here / target).resolve().relative_to(ROOT).as_posix() if target else name
    english = ENGLISH.get(path, path)
    if english in ENGLISH.values():
        return "itself" if english == ENGLISH.get(name, name) else english
    return f"{path}{anchor}"


@pytest.mark.parametrize("name", PAGES)
def test_a_translation_says_the_same(name: str) -> None:
    english, end = PAGES[name]
    for ours, theirs in zip_longest(sections(name), sections(english, end)):
        assert ours == theirs
