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


def text_of(name: str, end: str = "") -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.partition(end)[0] if end else text


def sections(text: str, name: str) -> list[Section]:
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
    ours, theirs = sections(text_of(name), name), sections(text_of(english, end), english)
    for our_section, their_section in zip_longest(ours, theirs):
        assert our_section == their_section


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("tutorial", "tunedrop plan library\n", ""),
        ("tutorial", "--share 0.2", "--share 0.1"),
        ("tutorial", "51.8", "61.8"),
        ("tutorial", "`--yes library`", "`--yes`"),
        ("tutorial", "135 milhões", "1 milhão"),
        ("tutorial", "](../cost.md)", "](../prices.md)"),
        ("tutorial", "#the-gate", "#versions"),
        ("tutorial", "## 10. ", "## "),
        ("tutorial", "## 10. ", "### 10. "),
        ("tutorial", "## 11. Arrumar\n", ""),
        ("README", "| sem conta de Azure | não | não |", "| sem conta de Azure | não |"),
        ("README", "| já foi usado em Azure | sim | sim | **ainda não** |\n", ""),
        ("README", "a 0.1.0 ", "a 1.0 "),
        ("README", "../pictures/report.png", "../pictures/run.png"),
    ],
)
def test_whatever_a_translation_leaves_out_or_changes_is_seen(
    name: str, before: str, after: str
) -> None:
    page = f"docs/pt/{name}.md"
    text = text_of(page)
    assert before in text
    assert sections(text.replace(before, after), page) != sections(text, page)


def test_what_is_said_about_a_command_may_be_in_another_language() -> None:
    ours = sections("# A\n\n```sh\nazd up   # tudo\n```\n", "docs/pt/README.md")
    theirs = sections("# B\n\n```sh\nazd up  # all of it\n```\n", "README.md")
    assert ours == theirs
